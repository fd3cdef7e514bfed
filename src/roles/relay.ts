import { contractWallets } from '../auth/customers/smart-wallet.js';
import { contractOwners } from '../auth/providers/contract-owners.js';
import { createProviderVerifier } from '../auth/providers/identity.js';
import { createRecover } from '../auth/recover.js';
import { startRelay } from './relay/relay.js';
import type { StartRole } from './role.js';

/** Reads the messages that providers publish to the streams. */
export const start: StartRole = async ({ config, logger, pool, temporal }) => {
  const owners = { recover: createRecover({ maxWaiting: Infinity }), ...contractOwners(pool, contractWallets(config)) };
  const verifier = createProviderVerifier({ config, pool, ...owners });
  const relay = startRelay({ config, pool, temporal, logger, verifier });
  return {
    ready: () => relay.ready(),
    stop: () => relay.stop(),
  };
};
