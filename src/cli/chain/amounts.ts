import { tokens } from '../../client/money.js';
import type { Deposits } from '../../client/shapes.js';
import { clean } from '../../words/clean.js';
import { usage } from '../failure.js';
import { tokenAmount } from '../tree/values.js';
import type { Vault } from './vault.js';

/** The contract counts in 128 bits. */
const mostUnits = 2n ** 128n - 1n;
/** The broker counts every token in 10^-18. */
const brokerDecimals = 18;

/** An amount as typed, in units of the vault's token: exactly, or not at all. */
export function unitsOf(text: string, { token }: Pick<Vault, 'token'>, example: string): bigint {
  let amount: string;
  try {
    amount = tokenAmount(text);
  } catch {
    throw usage(`"${clean(text)}" is no amount of tokens`, `such as: ${example}`);
  }
  // Its own error says how many decimals the token has.
  const units = BigInt(tokens(amount, token.decimals));
  if (units === 0n) throw usage('the amount is 0', `such as: ${example}`);
  if (units > mostUnits) throw usage(`${amount} is more than a vault can hold`);
  return units;
}

const scaleOf = ({ token }: Pick<Vault, 'token'>) => 10n ** BigInt(brokerDecimals - token.decimals);

/** Base units of the broker, in units of the token; what is less than one unit counts as none. */
export const unitsOfBase = (baseUnits: string | undefined, vault: Pick<Vault, 'token'>): bigint =>
  /^\d{1,90}$/.test(baseUnits ?? '') ? BigInt(baseUnits!) / scaleOf(vault) : 0n;

export const baseOfUnits = (units: bigint, vault: Pick<Vault, 'token'>): bigint => units * scaleOf(vault);

/** The least that the broker books by itself, rounded up to whole units. */
export function leastOf({ min_amount: least }: Pick<Deposits, 'min_amount'>, vault: Pick<Vault, 'token'>): bigint {
  const scale = scaleOf(vault);
  return (BigInt(/^\d{1,90}$/.test(least) ? least : '0') + scale - 1n) / scale;
}
