import { z } from 'zod';
import { list, port, whole } from './values.js';

export const roles = ['api', 'worker', 'relay', 'watcher', 'authorizer'] as const;
export type Role = (typeof roles)[number];

export const processVariables = {
  /**
   * The roles that this process runs: `api`, `worker`, `relay`, `watcher`, `authorizer`. Empty: all of them, `authorizer`
   * only where `AUTHORIZER_TLS_CERT` is set.
   */
  BROKER_ROLES: list.pipe(z.array(z.enum(roles))),
  /** Lines below this level are not logged. `debug` adds migrations and broken connections. */
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /**
   * `production` adds three rules: `AUTH_AUDIENCE` must be set, `PROVIDER_AUTH_MODE=off` needs
   * `ALLOW_INSECURE_PROVIDERS`, and jobs that cost nothing are not placed unless `ALLOW_FREE_JOBS` is set.
   */
  NODE_ENV: z.string().default('development'),
  /** Port for metrics and liveness of every role, separate from the public API. 0: no such listener. */
  METRICS_PORT: port(0),
  /**
   * Address of that listener. It asks for no credential: any address but loopback opens it to everybody who can reach
   * it.
   */
  METRICS_HOST: z.string().default('127.0.0.1'),
  /**
   * How long a process may take after SIGTERM to finish its work; then it exits. Keep it below the time after which
   * your container runtime kills (30 s in Compose and Kubernetes). With only a few seconds, workers abandon activities
   * half-way, and others repeat them later.
   */
  SHUTDOWN_GRACE_S: whole(20, 1, 600),
};
