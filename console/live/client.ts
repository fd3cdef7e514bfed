import { createAccess } from '../../src/client/access.js';
import { createCaller, type ConnectOptions } from '../../src/client/caller.js';
import { WorldLandError } from '../../src/client/errors.js';
import { createMarket } from '../../src/client/market.js';
import type { WorldLand } from '../../src/client/index.js';
import { room } from './lazy-room.js';

/**
 * `connect` of the client, whose rooms are loaded when the first of their functions is called: the market, which is what
 * most people see first, needs neither jobs nor machines nor what operators do.
 */
export function connectLazily(options: ConnectOptions): WorldLand {
  const caller = createCaller(options);
  const market = createMarket(caller);
  const load = async () => {
    const { createRooms } = await import('./rooms.js').catch((cause: unknown) => {
      rooms = undefined;
      const detail = 'a part of the console could not be loaded';
      throw new WorldLandError('network', detail, { retryable: true, cause });
    });
    return createRooms(caller);
  };
  let rooms: ReturnType<typeof load> | undefined;
  const made = () => (rooms ??= load());
  const rest = {
    ...market,
    api: caller.base,
    audience: caller.audience,
    request: caller.request as WorldLand['request'],
    jobs: room(async () => (await made()).jobs),
    providers: room(async () => (await made()).providers),
    mining: room(async () => (await made()).mining),
    admin: room(async () => (await made()).admin),
    async *events(follow: Parameters<WorldLand['events']>[0]) {
      yield* (await made()).events(follow);
    },
  };
  // `access` has a getter, which a spread would turn into its value of now.
  return Object.assign(createAccess(caller, market), rest);
}
