import { createAccess, type AccessApi } from './access.js';
import { createAdmin, type AdminApi } from './admin.js';
import { createMoney, type MoneyApi } from './accounts.js';
import { createCaller, type ConnectOptions, type Input, type Method } from './caller.js';
import type { Reply } from './exchange.js';
import { followAll, type FollowOptions } from './job-events.js';
import { createJobs, type Jobs } from './jobs.js';
import { createMarket, type MarketApi } from './market.js';
import { createMining, createProviders, type MiningApi, type ProvidersApi } from './providers.js';
import { createReceipts, type ReceiptsApi } from './receipts.js';
import { createSettlements, type SettlementsApi } from './settlements.js';
import type { WalletEvent } from './shapes.js';
import type { Routes } from './types.generated.js';

/** The body of a route's answer, if its path is one of the table as it stands there. */
export type ReplyOf<M extends Method, P extends string> = `${M} ${P}` extends keyof Routes
  ? Routes[`${M} ${P}`]['reply']
  : unknown;

export type BodyOf<M extends Method, P extends string> = `${M} ${P}` extends keyof Routes
  ? Routes[`${M} ${P}`]['body']
  : unknown;

/** A broker, and everything that can be asked of it. */
export interface WorldLand extends AccessApi, MarketApi {
  /** The broker's address, without a last slash. */
  readonly api: string;
  /** The origin that signatures are made for. */
  readonly audience: string;
  jobs: Jobs;
  /** What happens to all of the wallet's jobs, from now on or after an event; does not end by itself. */
  events(options?: FollowOptions): AsyncIterable<WalletEvent>;
  providers: ProvidersApi;
  money: MoneyApi;
  mining: MiningApi;
  receipts: ReceiptsApi;
  settlements: SettlementsApi;
  admin: AdminApi;
  /** Any route, with the credential that it needs. Failures are thrown, as everywhere. */
  request<M extends Method, P extends string>(
    method: M,
    path: P,
    input?: Omit<Input, 'body'> & { body?: BodyOf<M, P> },
  ): Promise<Reply<ReplyOf<M, P>>>;
}

/**
 * Talks to a broker. Nothing is sent before the first call.
 *
 * @throws WorldLandError `validation_failed` if `api` is no address.
 */
export function connect(options: ConnectOptions): WorldLand {
  const caller = createCaller(options);
  const market = createMarket(caller);
  const access = createAccess(caller, market);
  const jobs = createJobs(caller);
  const rest = {
    ...market,
    api: caller.base,
    audience: caller.audience,
    jobs,
    events: (follow: FollowOptions = {}) => followAll(caller, jobs, follow),
    providers: createProviders(caller),
    money: createMoney(caller),
    mining: createMining(caller),
    receipts: createReceipts(caller),
    settlements: createSettlements(caller),
    admin: createAdmin(caller),
    request: caller.request as WorldLand['request'],
  };
  // `access` has a getter, which a spread would turn into its value of now.
  return Object.assign(access, rest);
}
