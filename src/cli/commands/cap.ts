import type { WorldLand as Client } from '../../client/index.js';
import type { Balance } from '../../client/shapes.js';
import { tokens } from '../../client/money.js';
import { clean } from '../../words/clean.js';
import { usedPercent } from '../../words/limits.js';
import type { Context } from '../context.js';
import { isClientError } from '../error-words.js';
import { usage } from '../failure.js';
import { usedOfCap } from '../limit-warning.js';
import type { Args } from '../tree/command.js';
import * as values from '../tree/values.js';
import { asWallet, logInBy } from '../wallets/as-wallet.js';

interface Flags {
  clear?: boolean;
  wallet?: string;
  browser: boolean;
}

type Cap = NonNullable<Balance['monthly_cap']>;

export async function run(context: Context, [given]: Args, flags: Flags): Promise<void> {
  const client = await context.client();
  if (given !== undefined && flags.clear === true) throw usage('either an amount, or --clear');
  if (given === undefined && flags.clear !== true) {
    return await showCap(context, (await client.money.balance()).monthly_cap ?? null);
  }
  const { decimals } = await context.money();
  const amount = given === undefined ? undefined : tokens(amountOf(given as string), decimals);
  const change = (by: Client) =>
    amount === undefined ? by.money.clearMonthlyCap().then(() => null) : by.money.setMonthlyCap(amount);
  try {
    await showCap(context, await change(client));
  } catch (error) {
    if (!isRaise(error)) throw error;
    context.screen.note(
      'To spend more in a month your wallet has to agree: it signs a login that does this and no more.',
    );
    await showCap(context, await asWallet(client, { label: 'wl cap', logIn: logInBy(context, flags) }, change));
  }
}

function amountOf(text: string): string {
  try {
    return values.tokenAmount(text);
  } catch {
    throw usage(`"${clean(text)}" is no amount of tokens`, 'such as: wl cap 25');
  }
}

function isRaise(error: unknown): boolean {
  if (!isClientError(error) || error.code !== 'scope_denied') return false;
  const missing = error.data['missing_scopes'];
  return Array.isArray(missing) && missing.includes('billing:write');
}

async function showCap(context: Context, cap: Cap | null): Promise<void> {
  const { screen, global } = context;
  if (global.json === true) return screen.json(cap);
  const money = await context.money();
  if (global.quiet === true) return cap === null ? undefined : screen.print(money.amount(cap.amount));
  if (cap === null) {
    return screen.paragraph('Your wallet has no monthly cap: its logins spend up to their limits. wl cap 25 sets one.');
  }
  const day = clean(cap.resets_at).slice(0, 10);
  const { charged, reserved, remaining } = cap;
  screen.paragraph(`cap   ${money.sum(cap.amount)} a month, ${usedPercent(usedOfCap(cap), cap.amount)} % used`);
  screen.paragraph(`used  ${money.amount(charged)} charged this month, ${money.amount(reserved)} reserved`, '      ');
  screen.paragraph(`left  ${money.sum(remaining)} until ${day}, when the month turns (UTC)`, '      ');
}
