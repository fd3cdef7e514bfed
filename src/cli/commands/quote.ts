import type { Quote } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { orderFrom, type OrderFlags, type Wanted } from '../order.js';
import { costLine, requireCanStart, shareLine } from '../quote-text.js';
import { offerColumns } from '../offer-table.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [words]: Args, flags: OrderFlags): Promise<void> {
  const wanted = await orderFrom(context, words as string, flags);
  const client = await context.client();
  const quote = await client.quote(wanted.order);
  await printQuote(context, wanted, quote);
}

/** Also for `wl up --dry-run`. */
export async function printQuote(context: Context, wanted: Wanted, quote: Quote): Promise<void> {
  const { screen } = context;
  const [site, money] = await Promise.all([context.site(), context.money()]);
  if (context.global.json === true) return screen.json(quote);
  requireCanStart(wanted, quote, money);
  if (context.global.quiet === true) return quote.offers.forEach(({ provider_id }) => screen.print(provider_id));
  screen.paragraph(costLine(wanted, quote, site, money), '  ');
  const share = shareLine(wanted, quote);
  if (share !== undefined) screen.paragraph(share, '  ');
  screen.table(offerColumns(money), quote.offers);
}
