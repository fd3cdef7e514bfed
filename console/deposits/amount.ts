import { isWhole } from '../chain/vault-units.js';
import { readAmount, type AmountEntered } from '../parts/amount-field.js';

/** What of an amount that was entered is wrong for a token of so many decimals; the ledger has more of them. */
export function wholeAmount(
  entered: AmountEntered,
  ledgerDecimals: number,
  decimals: number,
): { units: bigint } | { problem: string } | undefined {
  if (entered.text.trim() === '') return undefined;
  const read = readAmount(entered, ledgerDecimals);
  if ('problem' in read) return read;
  return isWhole(read.units, decimals)
    ? { units: BigInt(read.units) }
    : { problem: `The token has ${decimals} decimals: nothing smaller can be moved.` };
}
