import { contractWallets } from '../auth/customers/smart-wallet.js';
import { contractOwners } from '../auth/providers/contract-owners.js';
import { createProviderVerifier } from '../auth/providers/identity.js';
import { createRecover } from '../auth/recover.js';
import { startRelay } from './relay/relay.js';
import type { StartRole } from './role.js';

/**
 * The entries of a batch wait for each other. While the chain is slow, more questions than these are put off, so that the
 * machines of contracts do not hold up all others.
 */
const maxUnderWay = 16;

/** Reads the messages that providers publish to the streams. */
export const start: StartRole = async ({ config, logger, pool, temporal }) => {
  const owners = {
    recover: createRecover({ maxWaiting: Infinity }),
    ...contractOwners(pool, contractWallets(config), { maxUnderWay }),
  };
  const verifier = createProviderVerifier({ config, pool, ...owners });
  const relay = startRelay({ config, pool, temporal, logger, verifier });
  return {
    ready: () => relay.ready(),
    stop: () => relay.stop(),
  };
};
