import type { AccessApi } from '../../src/client/access.js';
import { createCaller, type ConnectOptions } from '../../src/client/caller.js';
import { WorldLandError } from '../../src/client/errors.js';
import type { WorldLand } from '../../src/client/index.js';
import { createMarket } from '../../src/client/market.js';
import { room } from './lazy-room.js';

export type Broker = WorldLand;

/**
 * `connect` of the client, whose rooms are loaded when the first of their functions is called: the market, which is what
 * most people see first, needs neither logins nor jobs nor machines nor what operators do.
 */
export function connectLazily(options: ConnectOptions): Broker {
  const caller = createCaller(options);
  const { credentials } = caller;
  const market = createMarket(caller);
  const access = room<AccessApi>(
    loadedOnce(async () => (await import('../../src/client/access.js')).createAccess(caller, market)),
  );
  const rooms = loadedOnce(async () => (await import('./rooms.js')).createRooms(caller));
  return {
    ...market,
    api: caller.base,
    audience: caller.audience,
    request: caller.request,
    get session() {
      return credentials.info;
    },
    restore: () => credentials.restore(),
    whoami: () => caller.call('GET /api/v1/auth/me'),
    login: access.login,
    beginLogin: access.beginLogin,
    logout: access.logout,
    revokeByWallet: access.revokeByWallet,
    tokens: access.tokens,
    sessions: access.sessions,
    sshKeys: access.sshKeys,
    billing: access.billing,
    jobs: room(async () => (await rooms()).jobs),
    money: room(async () => (await rooms()).money),
    receipts: room(async () => (await rooms()).receipts),
    settlements: room(async () => (await rooms()).settlements),
    providers: room(async () => (await rooms()).providers),
    mining: room(async () => (await rooms()).mining),
    admin: room(async () => (await rooms()).admin),
    async *events(follow) {
      yield* (await rooms()).events(follow);
    },
  };
}

/** Loads at the first call, and again after it has failed: the next try may find the network back. */
function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () =>
    (loading ??= load().catch((cause: unknown) => {
      loading = undefined;
      const detail = 'a part of the console could not be loaded';
      throw new WorldLandError('network', detail, { retryable: true, cause });
    }));
}
