import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { chainSettings, type ChainSettings } from '../config/chain.js';
import { seenVault, type SeenVault } from '../db/vaults.js';
import { BrokerError } from '../domain/errors.js';

/** @throws BrokerError `chain_off` on a site without a chain. */
export function vaultOf(config: Config): ChainSettings {
  const vault = chainSettings(config);
  if (vault !== undefined) return vault;
  throw new BrokerError(
    'chain_off',
    'this site has no vault on a chain: nothing is deposited, settled or withdrawn here',
  );
}

/**
 * The vault of the site, with what a worker has read of it.
 *
 * @throws BrokerError `chain_off`; `dependency_unavailable` until a worker has read it.
 */
export async function readVaultOf(config: Config, pool: Pool): Promise<{ vault: ChainSettings; known: SeenVault }> {
  const vault = vaultOf(config);
  const known = await seenVault(pool, vault);
  if (known !== undefined) return { vault, known };
  throw new BrokerError('dependency_unavailable', 'the broker has not read its vault yet: try again in a minute');
}
