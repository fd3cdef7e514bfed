import type { Settings } from './files/config.js';
import type { Money } from '../words/money.js';

/** Tokens that one may spend without being asked, unless `confirm_above` is set. */
const usualLimit = 10;

/** The limit in tokens that a cost in base units is above, so that its person is asked; undefined if it is not. */
export function limitBelow(
  cost: bigint,
  { confirm_above: limit = usualLimit }: Pick<Settings, 'confirm_above'>,
  { decimals }: Pick<Money, 'decimals'>,
): number | undefined {
  const limitUnits = BigInt(Math.round(limit * 1e6)) * 10n ** BigInt(Math.max(0, decimals - 6));
  return cost > limitUnits ? limit : undefined;
}
