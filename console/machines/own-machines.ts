import type { OwnProvider } from '../../src/client/types.generated.js';
import { broker, login, site, useResource, type Loaded } from '../live/index.js';

/** As often as a new state is worth seeing: machines send a heartbeat every 30 s, and join within a minute. */
const everyMs = 4_000;

/** The machines of whoever is logged in; reads nothing while nobody is. */
export function useOwnMachines(): Loaded<OwnProvider[]> {
  const wallet = login.value?.wallet;
  return useResource(wallet === undefined ? undefined : `machines:${wallet}`, readOwn, { everyMs });
}

/** The client knows the members that everybody sees; of one's own machines the broker tells all of these. */
const readOwn = async () => (await broker().providers.mine()) as unknown as OwnProvider[];

/** How long jobs wait for a machine that is away; the usual time until the broker has said its own. */
export function lossGraceS(): number {
  return site.value?.providers.loss_grace_s ?? 300;
}
