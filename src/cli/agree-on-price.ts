import type { Order, Quote } from '../client/shapes.js';
import { limitBelow } from './confirm-above.js';
import type { Context } from './context.js';
import { isClientError } from './error-words.js';
import { exitCodes, Failure, usage } from './failure.js';
import type { Wanted } from './order.js';
import { costLine, requireCanStart, shareLine } from './quote-text.js';
import { confirm } from './terminal/ask.js';
import type { Steps } from './up-steps.js';

/** How often an order is quoted anew because its quote expired; more often, a clock is wrong. */
const maxQuotes = 3;

/** Shows what it costs, and asks above the amount that the person set. */
export async function agreeOnPrice(
  context: Context,
  wanted: Wanted,
  quote: Quote,
  { isYes, isHigher = false }: { isYes: boolean; isHigher?: boolean },
): Promise<void> {
  const { screen } = context;
  const [site, money] = await Promise.all([context.site(), context.money()]);
  requireCanStart(wanted, quote, money);
  screen.note(`  ${isHigher ? 'The price has gone up: ' : ''}${costLine(wanted, quote, site, money)}`);
  const share = shareLine(wanted, quote);
  if (share !== undefined) screen.note(`  ${share}`);
  const limit = limitBelow(mostOf(quote), context.settings, money);
  if (isYes || (limit === undefined && !(isHigher && screen.canAsk))) return;
  const cost = money.sum(mostOf(quote).toString());
  if (!screen.canAsk)
    throw usage(`this may cost ${cost}, more than the ${limit} of confirm_above`, 'if that is meant: -y');
  if (await confirm(`  This may cost ${cost}. Rent?`, false)) return;
  throw new Failure(exitCodes.interrupted, 'nothing was rented');
}

/**
 * Orders at the price of a quote. One that expired while its person thought is asked for again, and so is the person, if
 * the price went up.
 */
export async function orderAtPrice<T>(
  context: Context,
  wanted: Wanted,
  agreed: Quote,
  { isYes, steps, send }: { isYes: boolean; steps: Steps; send: (order: Order) => Promise<T> },
): Promise<T> {
  const client = await context.client();
  let quote = agreed;
  for (let round = 1; ; round++) {
    try {
      return await send({ ...wanted.order, ...(quote.quote_id ? { quote_id: quote.quote_id } : {}) });
    } catch (error) {
      if (!isClientError(error) || error.code !== 'quote_expired' || round >= maxQuotes) throw error;
    }
    const { ssh_public_keys: _, ssh_key_ids: __, registry_auth: ___, ...order } = wanted.order;
    const next = await client.quote(order);
    if (mostOf(next) > mostOf(quote) || !next.can_start) {
      steps.pause();
      await agreeOnPrice(context, wanted, next, { isYes, isHigher: true });
      steps.goOn();
    }
    quote = next;
  }
}

const mostOf = ({ cost }: Quote): bigint => BigInt(cost?.at_most ?? '0');
