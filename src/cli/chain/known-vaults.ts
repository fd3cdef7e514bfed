import { join } from 'node:path';
import { isAddress, type Address } from 'viem';
import type { Finality } from '../../config/chain.js';
import { usage } from '../failure.js';
import { readPrivate, writePrivate } from '../files/private-file.js';

/** The vault of a broker, as its person has seen and accepted it. */
export interface KnownVault {
  chainId: number;
  address: Address;
  /** When the broker calls a block final. */
  finality: Finality;
}

export interface KnownVaults {
  /** @param broker its address; undefined where none is set: then the only vault that is known. */
  of(broker: string | undefined): KnownVault | undefined;
  remember(broker: string, vault: KnownVault): void;
}

/**
 * Keeps which vault each broker named when money first went there. A broker that names another one later is not believed
 * without a question; and the way out of a vault is known when its broker has gone.
 */
export function knownVaults(folder: string): KnownVaults {
  const path = join(folder, 'vaults.json');
  const read = (): Record<string, KnownVault> => {
    const text = readPrivate(path);
    return text === undefined ? {} : parsed(text, path);
  };
  return {
    of(broker) {
      const all = read();
      if (broker !== undefined) return Object.hasOwn(all, broker) ? all[broker] : undefined;
      const [first, ...others] = Object.values(all);
      return others.length === 0 ? first : undefined;
    },
    remember(broker, vault) {
      writePrivate(path, `${JSON.stringify({ ...read(), [broker]: vault }, null, 2)}\n`);
    },
  };
}

function parsed(text: string, path: string): Record<string, KnownVault> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isObject && Object.values(value as object).every(isKnown)) return value as Record<string, KnownVault>;
  throw usage(
    `${path} cannot be read: it says which vault is whose`,
    'look at the address yourself, then delete the file',
  );
}

function isKnown(value: unknown): value is KnownVault {
  const { chainId, address, finality } = (value ?? {}) as Partial<KnownVault>;
  const isFinality = finality === 'finalized' || isCount(finality);
  return isCount(chainId) && isAddress(address ?? '', { strict: false }) && isFinality;
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
