import type { ChainSettings } from '../config/chain.js';
import { BrokerError } from '../domain/errors.js';
import { untilAvailable } from '../lifecycle.js';
import type { Logger } from '../observability/logger.js';
import { checkVault, type VaultFacts } from './check-vault.js';
import { createRpcs, type Rpc } from './rpc.js';

/** A vault that may be still to be checked, because a node of its chain does not answer. */
interface OpenedVault {
  settings: ChainSettings;
  rpcs: readonly Rpc[];
  /** Resolves once the vault has been found to be the one that is configured. */
  checked: Promise<VaultFacts>;
}

/**
 * Holds the vault against the settings. A vault that is wrong is refused before anything starts. A chain that does not
 * answer holds up nothing but settlements: jobs run without it, and it is asked until it answers.
 *
 * @throws ConfigError; StopRequested
 */
export async function openVault(
  settings: ChainSettings,
  waiting: { logger: Logger; stop: AbortSignal },
): Promise<OpenedVault> {
  const rpcs = createRpcs(settings);
  try {
    const facts = await checkVault(settings, rpcs);
    waiting.logger.info(facts, 'settlements go to this vault');
    return { settings, rpcs, checked: Promise.resolve(facts) };
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    waiting.logger.warn({ err: error }, 'the chain does not answer: settlements wait, and jobs do not');
  }
  const checked = untilAvailable(waiting, 'the chain', () => checkVault(settings, rpcs));
  checked.catch(() => undefined);
  return { settings, rpcs, checked };
}
