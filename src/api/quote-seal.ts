import { createHmac, timingSafeEqual } from 'node:crypto';
import { BrokerError } from '../domain/errors.js';
import { readRates, writtenRates, type Quote, type QuotedNeed } from '../domain/quote.js';

/** A quote as it is written down; `v` tells versions of it apart. */
interface WrittenQuote {
  v: 1;
  wallet: string;
  exp: number;
  need: QuotedNeed;
  bound: string;
  reserves: string[];
  offers: [string, string, string][];
  ports?: string;
}

/**
 * Writes a quote down in its own id, which only the broker can make. So a quote takes up no room, and every replica
 * knows it.
 */
export function sealQuote(key: Buffer, quote: Quote): string {
  const { wallet, expiresAtMs, need, bound, reserves, rates, portsRate } = quote;
  const written: WrittenQuote = {
    ...{ v: 1, wallet, exp: expiresAtMs, need },
    ...{ bound: bound.toString(), reserves: reserves.map(String), offers: writtenRates(rates) },
    ...(portsRate === undefined ? {} : { ports: portsRate }),
  };
  const text = Buffer.from(JSON.stringify(written)).toString('base64url');
  return `${text}.${sealOf(key, text).toString('base64url')}`;
}

/**
 * Reads a quote of this wallet that is still good.
 *
 * @throws BrokerError `quote_mismatch` for an id that the broker did not make, or not for this wallet; `quote_expired`
 */
export function openQuote(key: Buffer, quoteId: string, wallet: string, nowMs: number): Quote {
  const [text = '', seal = '', ...more] = quoteId.split('.');
  const [given, made] = [Buffer.from(seal, 'base64url'), sealOf(key, text)];
  const isOurs = more.length === 0 && given.length === made.length && timingSafeEqual(given, made);
  const quote = isOurs ? quoteIn(text) : undefined;
  if (quote?.wallet !== wallet) {
    throw mismatch(['quote_id'], 'this is no quote that was made for you here: ask for one with POST /api/v1/quotes');
  }
  if (nowMs >= quote.expiresAtMs) {
    const until = new Date(quote.expiresAtMs).toISOString();
    throw new BrokerError('quote_expired', `the quote was good until ${until}: ask for another one`, {
      expires_at: until,
    });
  }
  return quote;
}

/** The order is not what the quote is for, in these fields. */
export function mismatch(fields: readonly string[], message: string): BrokerError {
  return new BrokerError('quote_mismatch', message, { errors: fields.map((field) => ({ field, message })) });
}

/** Undefined for a version of quotes that this process does not know. */
function quoteIn(text: string): Quote | undefined {
  const written = JSON.parse(Buffer.from(text, 'base64url').toString()) as WrittenQuote;
  if (written.v !== 1) return undefined;
  const { wallet, exp: expiresAtMs, need, bound, reserves, offers, ports } = written;
  const amounts = { bound: BigInt(bound), reserves: reserves.map(BigInt) };
  return {
    ...{ wallet, expiresAtMs, need, ...amounts, rates: readRates(offers) },
    ...(ports === undefined ? {} : { portsRate: ports }),
  };
}

function sealOf(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
