import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import type { JobCommands } from './job-commands.js';
import type { Limiter } from './limiter.js';
import type { Authenticate } from './middleware/authenticate.js';
import type { RouteRule } from './route.js';
import type { Health } from './routes/health.js';

/** What the API works with; the role creates it once. */
export interface ApiDeps {
  config: Config;
  logger: Logger;
  pool: Pool;
  jobs: JobCommands;
  authenticate: Authenticate;
  limiter: Limiter;
  /** Checks the systems that the API depends on, each by name, for `GET /ready`. */
  health: Health;
  /** Routes of other parts, such as those of `/api/v1/auth`. */
  routes: readonly RouteRule[];
}
