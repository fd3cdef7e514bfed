import type { Logger } from 'pino';
import type { Config } from '../config.js';
import type { Limiter } from './limiter.js';
import type { Authenticate } from './middleware/authenticate.js';
import type { RouteRule } from './route.js';
import type { StaticPages } from './static-pages.js';

/** What the API works with, besides what its routes do; the role creates it once. */
export interface ApiDeps {
  config: Config;
  logger: Logger;
  authenticate: Authenticate;
  limiter: Limiter;
  /** All of them but the OpenAPI document, which is made from them. */
  routes: readonly RouteRule[];
  /** The documentation and the console; absent where they were not built. */
  pages?: StaticPages;
}
