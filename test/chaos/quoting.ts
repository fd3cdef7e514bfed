import { insist, type Customer } from './requests.js';

/** What a customer was promised with a quote. */
export interface Promised {
  quoteId: string;
  /** Base units for the whole duration, wherever the job runs. */
  atMost: bigint;
  /** Base units an hour at each quoted provider. */
  rates: ReadonlyMap<string, bigint>;
}

/** Long enough to be still good after the longest outage, mostly. */
const validSeconds = 300;

interface Quote {
  binding: boolean;
  quote_id: string | null;
  cost: { at_most: string } | null;
  offers: { provider_id: string; rate_per_hour: string }[];
}

/** Asks for a price that binds; undefined if nobody could take the order just then. */
export async function askForQuote(customer: Customer, order: object): Promise<Promised | undefined> {
  const asked = { ...order, valid_seconds: validSeconds };
  const { status, body } = await insist(customer, 'POST', '/api/v1/quotes', asked);
  if (status !== 200) throw new Error(`asking for a price answered ${status} ${body.code ?? ''}`);
  const { binding, quote_id: quoteId, cost, offers } = body as unknown as Quote;
  if (!binding || quoteId === null || cost === null) return undefined;
  const rates = new Map(offers.map(({ provider_id, rate_per_hour }) => [provider_id, BigInt(rate_per_hour)]));
  return { quoteId, atMost: BigInt(cost.at_most), rates };
}

/** Why a rate breaks a promise; empty if it does not. */
export function brokenPromise(
  { atMost, rates }: Promised,
  { providerId, rate, wholeS }: { providerId: string; rate: bigint; wholeS: number },
): string {
  const quoted = rates.get(providerId);
  if (quoted !== undefined && rate > quoted) return `its rate is ${rate}, and ${quoted} was quoted there`;
  const whole = (rate * BigInt(wholeS)) / 3_600n;
  return whole > atMost ? `it would cost ${whole}, and at most ${atMost} was quoted` : '';
}
