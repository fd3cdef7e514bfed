import type { Context } from '../context.js';
import { depositLines } from '../deposit-lines.js';

/** What a wallet has to spend: in the broker's ledger and, on a site with a chain, in the vault. */
export async function run(context: Context): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const [balance, deposits] = await Promise.all([client.money.balance(), client.money.deposits()]);
  if (global.json === true) return screen.json({ ...balance, deposits: deposits.vault === null ? null : deposits });
  const money = await context.money();
  if (global.quiet === true) return screen.print(money.amount(balance.available));
  const lines: (readonly [string, string])[] = [
    ['free', money.sum(balance.available)],
    ['reserved', `${money.sum(balance.reserved)} for jobs that have not ended`],
    ...(balance.owed === '0' ? [] : ([['owed', money.sum(balance.owed)]] as const)),
    ...depositLines(deposits, money, context.time()),
  ];
  for (const [name, text] of lines) screen.paragraph(`${name.padEnd(12)}${text}`, ' '.repeat(12));
}
