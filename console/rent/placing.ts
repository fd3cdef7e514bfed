import { isCode, WorldLandError, type Order, type Quote } from '../../src/client/index.js';
import { createOnce, intentionOf } from '../live/once.js';
import type { Meant } from './complete-order.js';
import { isDearer, PriceRefusal } from './price-change.js';

/** What placing an order takes. */
export interface Desk {
  /** The wallet that orders; undefined where the person closed the dialog that asks for it. */
  wallet(): Promise<string | undefined>;
  quote(order: Order): Promise<Quote>;
  /** @returns the id of the order's job. */
  create(order: Order, idempotencyKey: string): Promise<string>;
  /** Asks for a higher limit. @param required base units. */
  allowMore(required: string): Promise<boolean>;
  newKey(): string;
}

/** What a person asks for with one click. */
export interface Wish {
  /** The quote that stands on the page. */
  shown: Quote;
  /** All that makes it this order and no other; undefined if something is missing. The wallet is known by then. */
  meant(): Promise<Meant | undefined>;
  /** The order as it is sent; undefined if something is missing. */
  orderOf(meant: Meant): Order | undefined;
}

/** What was sent, for as long as nobody knows what became of it. */
interface Sent {
  order: Order;
  key: string;
  agreed: Quote;
}

export interface Placing {
  /**
   * Orders, once: a double click, a click after a lost answer and a limit that was raised in between all lead to the one
   * job of the first click. The same order of another wallet is another one.
   *
   * @returns the id of the job; undefined where a dialog was closed, or something is missing.
   * @throws PriceRefusal if it would cost more than was shown. WorldLandError
   */
  place(wish: Wish): Promise<string | undefined>;
  /** Whether it is not known if this wallet has ordered this. */
  isUnanswered(wallet: string | undefined, meant: Meant | undefined): boolean;
}

export function createPlacing(desk: Desk): Placing {
  // In memory only: an order has variables that are secret.
  const unanswered = new Map<string, Sent>();
  const once = createOnce<Sent>(unanswered);
  let running: Promise<string | undefined> | undefined;

  async function place({ shown, meant: mean, orderOf }: Wish): Promise<string | undefined> {
    const wallet = await desk.wallet();
    const meant = wallet === undefined ? undefined : await mean();
    if (meant === undefined) return undefined;
    const make = (): Sent | undefined => {
      const order = orderOf(meant);
      return order === undefined ? undefined : { order, key: desk.newKey(), agreed: shown };
    };
    return await once.run(intentionOf(wallet, meant), make, async ({ order, key, agreed }) => {
      // What nobody takes any more may have been taken by the first attempt: it is asked for as it was agreed then.
      return await orderAt(desk, { order, key, agreed: shown.can_start ? shown : agreed });
    });
  }

  return {
    place: (wish) => (running ??= place(wish).finally(() => (running = undefined))),
    isUnanswered: (wallet, meant) => meant !== undefined && unanswered.has(intentionOf(wallet, meant)),
  };
}

/** How often an order is quoted anew because its quote is no longer good; more often, a clock is wrong. */
const mostQuotes = 3;

/**
 * Orders at the price of a quote. One that expired in the meantime, or was none for a known wallet, is asked for again:
 * where it is no dearer, the order goes on by it.
 *
 * The broker knows a repeat by its key, whichever quote it names: so the same key goes with each of them.
 */
async function orderAt(desk: Desk, { order, key, agreed }: Sent): Promise<string> {
  let quoteId = agreed.quote_id;
  for (let quotes = 0; ;) {
    if (quoteId === null) {
      const quote = await desk.quote(quotedPart(order));
      quotes += 1;
      if (isDearer(agreed, quote)) throw new PriceRefusal(quote);
      quoteId = quote.quote_id ?? refuseUnbound();
    }
    try {
      return await desk.create({ ...order, quote_id: quoteId }, key);
    } catch (error) {
      if (isCode(error, 'spend_limit_exceeded') && error.data.required !== undefined) {
        if (!(await desk.allowMore(error.data.required))) throw error;
      } else if (isQuoteOver(error) && quotes < mostQuotes) quoteId = null;
      else throw error;
    }
  }
}

const isQuoteOver = (error: unknown) => isCode(error, 'quote_expired') || isCode(error, 'quote_mismatch');

function refuseUnbound(): never {
  throw new WorldLandError('quote_mismatch', 'the broker promises no price for this: nothing was ordered', {
    status: 409,
  });
}

/** What a price depends on: whatever may be secret goes along with the order only. */
function quotedPart(order: Order): Order {
  const { image: _, job_name: __, ssh_public_keys: ___, ssh_key_ids: ____, env: _____, ...more } = order;
  const { registry_auth: _1, command: _2, args: _3, workdir: _4, entrypoint: _5, ...rest } = more;
  const { restart: _6, end_with_command: _7, ...quoted } = rest;
  return quoted;
}
