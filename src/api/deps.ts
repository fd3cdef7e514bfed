import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import type { JobCommands } from './job-commands.js';
import type { Limiter } from './limiter.js';
import type { Authenticate } from './middleware/authenticate.js';
import type { RouteRule } from './route.js';
import type { Health } from './routes/health.js';

/** What the API works with; built once by the role. */
export interface ApiDeps {
  config: Config;
  logger: Logger;
  pool: Pool;
  jobs: JobCommands;
  authenticate: Authenticate;
  limiter: Limiter;
  /** What the API depends on, each by name; asked by `GET /ready`. */
  health: Health;
  /** Routes of other parts, such as those of `/api/v1/auth`. */
  routes: readonly RouteRule[];
}
