import type { Log } from './log.js';
import type { Ports } from './ports.js';
import type { Supervisor } from './supervisor.js';

/** The arguments for starting an engine. */
export interface EngineContext {
  /** The stack's data folder, an absolute path; an engine keeps its own in a folder below. */
  dataDir: string;
  ports: Ports;
  supervisor: Supervisor;
  log: Log;
  /** The source of the tools' variables and PATH. */
  env: NodeJS.ProcessEnv;
}

/** The addresses of a stack's parts, written to `endpoints.json`. */
export interface Endpoints {
  /** URL of the API; absent without the role. */
  api?: string;
  /** For agents, which give no user name. */
  redis?: string;
  /** The same with the broker's user and password. */
  broker_redis?: string;
  /** The same for an operator, who may do everything. */
  operator_redis?: string;
  /** URL with user, password and database. */
  postgres?: string;
  /** host:port */
  temporal?: string;
  temporal_namespace?: string;
  temporal_ui?: string;
  /** Path of an administrator's kubeconfig. */
  kubeconfig?: string;
  /** Path of the broker's kubeconfig, for its own service account. */
  broker_kubeconfig?: string;
  /** The API server as providers reach it: host:port. */
  kubernetes?: string;
  /** URL of a registry that has images of those of the internet. */
  registry?: string;
  /** URL of the chain's JSON-RPC. */
  chain?: string;
  chain_id?: string;
  /** Address of the vault there. */
  vault?: string;
  /** Address of the token that the vault holds. Anybody may mint it. */
  token?: string;
  /** URL of its guardian's `/ready` and `/metrics`, where one runs beside the broker. */
  guardian?: string;
  /** Address of the metrics listener of each role. */
  metrics?: Record<string, string>;
  pids: Record<string, number>;
}

/** What a started engine adds to the stack. */
export interface Engine {
  endpoints: Partial<Omit<Endpoints, 'pids'>>;
  /** The environment that leads the broker's roles to it. */
  roleEnv: Record<string, string>;
  /** What of it the role `worker` alone may know. */
  workerEnv?: NodeJS.ProcessEnv;
}
