import { tokens } from '../../src/client/money.js';

/** As in the ledger: no account holds more. */
const most = 2n ** 128n - 1n;

/** An amount as it was entered. */
export interface AmountEntered {
  text: string;
  /** `tokens`: with a decimal point. `units`: whole base units. */
  unit: 'tokens' | 'units';
}

export const noAmount: AmountEntered = { text: '', unit: 'tokens' };

/** The base units that were entered, or what is wrong with them. Nothing is rounded. */
export function readAmount({ text, unit }: AmountEntered, decimals: number): { units: string } | { problem: string } {
  const units = unit === 'units' ? wholeUnits(text.trim()) : tokenUnits(text, decimals);
  if (units === undefined) {
    const example = unit === 'units' ? 'A whole number, such as 1500.' : 'A number such as 25 or 0.5, with a point.';
    return {
      problem: unit === 'tokens' && hasTooManyDigits(text, decimals) ? `At most ${decimals} decimals.` : example,
    };
  }
  if (BigInt(units) === 0n) return { problem: 'More than 0.' };
  return BigInt(units) > most ? { problem: 'That is more than any account holds.' } : { units };
}

const wholeUnits = (text: string) => (/^\d{1,40}$/.test(text) ? BigInt(text).toString() : undefined);

function tokenUnits(text: string, decimals: number): string | undefined {
  try {
    return tokens(text, decimals);
  } catch {
    return undefined;
  }
}

const hasTooManyDigits = (text: string, decimals: number) =>
  new RegExp(`^\\s*\\d+\\.\\d{${decimals + 1},}\\s*$`).test(text);
