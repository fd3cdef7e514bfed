import type { WorldLand as Client } from '../client/index.js';
import type { Balance } from '../client/shapes.js';
import { isNearlyUsed, usedText } from '../words/limits.js';
import type { Context } from './context.js';

/** What is spent and reserved of a month's cap, base units. */
export const usedOfCap = ({ charged, reserved }: NonNullable<Balance['monthly_cap']>): string =>
  String(BigInt(charged) + BigInt(reserved));

/** Says which limits are nearly used, after something was ordered. It is no fault of the order if that cannot be said. */
export async function warnOfLimits({ screen, global, money }: Context, client: Client): Promise<void> {
  if (global.json === true || global.quiet === true) return;
  try {
    const [me, { monthly_cap: cap }, symbol] = await Promise.all([client.whoami(), client.money.balance(), money()]);
    const used = String(BigInt(me.spend_spent) + BigInt(me.spend_reserved));
    if (isNearlyUsed(used, me.spend_limit)) {
      screen.warn(`${usedText('the limit of your login', used, me.spend_limit, symbol)}: wl login --spend-limit N`);
    }
    if (cap !== null && cap !== undefined && isNearlyUsed(usedOfCap(cap), cap.amount)) {
      screen.warn(`${usedText('your monthly cap', usedOfCap(cap), cap.amount, symbol)}: wl cap shows it`);
    }
  } catch {
    // An older broker has no caps.
  }
}
