import type { Context } from '../context.js';
import { clockText, momentText } from '../../words/durations.js';
import { isNearlyUsed, usedPercent } from '../../words/limits.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const me = await client.whoami();
  if (global.json === true) return screen.json(me);
  if (global.quiet === true) return screen.print(me.wallet);
  const money = await context.money();
  const time = context.time();
  const until = time.isUtc
    ? clockText(me.expires_at, time)
    : `${clockText(me.expires_at, time)} (${momentText(me.expires_at, time)})`;
  const reserved = me.spend_reserved === '0' ? '' : `, ${money.amount(me.spend_reserved)} reserved`;
  screen.paragraph(`wallet  ${me.wallet}`);
  screen.paragraph(`broker  ${client.api}`);
  screen.paragraph(`until   ${until}`);
  screen.paragraph(
    `limit   ${money.sum(me.spend_limit)}: ${money.amount(me.spend_spent)} spent${reserved}, ${money.amount(me.spend_remaining)} left`,
    '        ',
  );
  const used = String(BigInt(me.spend_spent) + BigInt(me.spend_reserved));
  if (isNearlyUsed(used, me.spend_limit)) {
    const percent = usedPercent(used, me.spend_limit);
    screen.paragraph(`        ${percent} % of it is used: wl login --spend-limit N`, '        ');
  }
  screen.paragraph(
    `may     ${me.scopes.join(', ')}${me.may_be_admin === true ? ' (and be an operator: wl login --admin)' : ''}`,
    '        ',
  );
}
