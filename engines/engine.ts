import type { Log } from './log.js';
import type { Ports } from './ports.js';
import type { Supervisor } from './supervisor.js';

/** What an engine is started with. */
export interface EngineContext {
  /** The stack's data folder, an absolute path; an engine keeps its own in a folder below. */
  dataDir: string;
  ports: Ports;
  supervisor: Supervisor;
  log: Log;
  /** Where the tools' variables and PATH are read from. */
  env: NodeJS.ProcessEnv;
}

/** Where the parts of a stack are reached; written to `endpoints.json`. */
export interface Endpoints {
  /** URL of the API; absent without the role. */
  api?: string;
  /** As agents reach it that give no user name. */
  redis?: string;
  /** The same with user and password of the broker. */
  broker_redis?: string;
  /** And of an operator, who may do everything. */
  operator_redis?: string;
  /** URL with user, password and database. */
  postgres?: string;
  /** host:port */
  temporal?: string;
  temporal_namespace?: string;
  temporal_ui?: string;
  /** Path of an administrator's kubeconfig. */
  kubeconfig?: string;
  /** Path of the kubeconfig that the broker gets: that of its own service account. */
  broker_kubeconfig?: string;
  /** The API server as providers reach it: host:port. */
  kubernetes?: string;
  /** Address of the metrics listener of each role. */
  metrics?: Record<string, string>;
  pids: Record<string, number>;
}

/** What a started engine adds to the stack. */
export interface Engine {
  endpoints: Partial<Omit<Endpoints, 'pids'>>;
  /** The environment by which the broker's roles find it. */
  roleEnv: Record<string, string>;
}
