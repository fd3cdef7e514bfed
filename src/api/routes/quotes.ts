import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Config } from '../../config.js';
import { quoteKey } from '../../db/installation.js';
import { findKeepers } from '../../db/keepers.js';
import { lackOfPorts } from '../../db/node-ports.js';
import { findOffers, type OfferRow } from '../../db/offer-reads.js';
import { reservationFor } from '../../domain/billing.js';
import type { JobOrder } from '../../domain/job.js';
import { quoteDefaultS, quoteRequestSchema, type JobRequest } from '../../domain/job-request.js';
import { gpuEquivalentsOf, priceOf } from '../../domain/pricing.js';
import { quotedNeedOf } from '../../domain/quote.js';
import { whyNobody } from '../../domain/why-not.js';
import { requireKnownType } from '../gpu-names.js';
import { jobPolicyOf } from '../job-policy.js';
import { boundsOf, candidatesConsidered, maximumOf, soundOnes } from '../order-rates.js';
import { orderOf } from '../place-order.js';
import { portPricesOf } from '../port-prices.js';
import { sealQuote } from '../quote-seal.js';
import type { ApiContext, RouteRule } from '../route.js';
import { offerReplyOf } from '../schemas/offer.js';
import { quoteReply } from '../schemas/quote.js';
import { chargeFor } from '../../wire/charge.js';

/**
 * What an order would cost. Nothing is written, reserved or held: to a known customer the prices are promised, and he
 * brings the promise with his order.
 */
export function quoteRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  return [
    {
      ...{ method: 'POST', path: '/api/v1/quotes', auth: 'none', knowsCallers: true, scopes: [], limit: 'read' },
      summary:
        'What an order would cost, and who would take it; or why nobody would. With a credential, its prices bind',
      request: { body: quoteRequestSchema(jobPolicyOf(config)) },
      responses: { 200: { description: 'The quote, which holds no capacity', schema: quoteReply } },
      errors: [],
      handler: async (ctx) => {
        const request = ctx.state.body as JobRequest;
        await requireKnownType(pool, request.gpuType, 'gpu_type');
        // Of a known customer: where a job of his own failed to start is asked last.
        const order = orderOf('', ctx.state.principal?.wallet ?? '', request, portPricesOf(config));
        ctx.set('cache-control', 'no-store');
        const quote = await quoteOf({ pool, config }, order, spendingOf(ctx));
        ctx.body = { ...quote.reply, ...(await promiseOf(request, order, quote)) };
      },
    },
  ];

  /** Nobody is promised anything whose wallet is not known: he could pass it on. */
  async function promiseOf(
    { validSeconds = quoteDefaultS, ...request }: JobRequest,
    { wallet, portsRate }: JobOrder,
    { offers, bound, reserves }: FoundQuote,
  ): Promise<Pick<z.infer<typeof quoteReply>, Promised>> {
    if (wallet === '' || offers.length === 0) return { binding: false, quote_id: null, expires_at: null };
    const expiresAtMs = Date.now() + validSeconds * 1000;
    const rates = offers.map(({ providerId, gpuType = '', rate }) => ({ providerId, gpuType, rate }));
    const quote = {
      ...{ wallet, expiresAtMs, need: quotedNeedOf(request), bound, reserves, rates },
      ...(portsRate === undefined ? {} : { portsRate }),
    };
    return {
      binding: true,
      quote_id: sealQuote(await quoteKey(pool), quote),
      expires_at: new Date(expiresAtMs).toISOString(),
    };
  }
}

type Promised = 'binding' | 'quote_id' | 'expires_at';

interface FoundQuote {
  offers: readonly OfferRow[];
  bound: bigint;
  reserves: bigint[];
  reply: Omit<z.infer<typeof quoteReply>, Promised>;
}

async function quoteOf(
  { pool, config }: { pool: Pool; config: Config },
  order: JobOrder,
  remaining: bigint | undefined,
): Promise<FoundQuote> {
  const search = { order, sort: 'placement', limit: candidatesConsidered } as const;
  const lack = await lackOfPorts(pool, order, config);
  const { offers } = lack === undefined ? await findOffers(pool, search, config) : { offers: [] };
  const [first] = offers;
  const { bound, reserves } = boundsOf(soundOnes(offers), maximumOf(order));
  const { reasons, isEach } = first === undefined ? await whyNot() : { reasons: [], isEach: true };
  const least = reservationFor(reserves.at(-1)!, order.durationSeconds);
  const reply = {
    can_start: first !== undefined,
    price_per_hour: first === undefined ? null : priceOf(first.rate),
    cost:
      first === undefined
        ? null
        : {
            expected: total(first.rate, order).toString(),
            at_most: reservationFor(bound, order.durationSeconds).toString(),
          },
    rate_per_hour: first === undefined ? null : first.rate.toString(),
    total: first === undefined ? null : total(first.rate, order).toString(),
    ...(order.ports === undefined ? {} : { ports: portsReplyOf(order, config) }),
    fee_bps: config.FEE_BPS,
    currency: { symbol: config.TOKEN_SYMBOL, decimals: 18 },
    offers: offers.map((offer) => ({
      ...offerReplyOf(offer, order),
      total: total(offer.rate, order).toString(),
      includes: {
        gpu_equivalents: offer.isAboveList ? gpuEquivalentsOf(order, offer.offered) : String(order.gpuCount),
      },
    })),
    ...(remaining === undefined
      ? {}
      : {
          session: { remaining: remaining.toString(), covers: first === undefined ? null : remaining >= least },
        }),
    why_not: reasons,
    why_not_each: isEach,
  };
  return { offers, bound, reserves, reply };

  async function whyNot(): Promise<ReturnType<typeof whyNobody>> {
    if (lack !== undefined) return { reasons: [lack], isEach: true };
    return whyNobody(order, await findKeepers(pool, order, config));
  }
}

function portsReplyOf({ ports = [], portsRate = '0' }: JobOrder, { JOB_FREE_PORTS: free }: Config) {
  return {
    count: ports.length,
    free: Math.min(free, ports.length),
    price_per_hour: priceOf(portsRate),
    rate_per_hour: portsRate,
  };
}

const total = (rate: bigint, { durationSeconds }: JobOrder) => chargeFor(rate, durationSeconds * 1000);

/** What the caller's session may still spend; undefined for a stranger. */
function spendingOf({ state: { principal } }: ApiContext): bigint | undefined {
  if (principal === undefined || principal.kind === 'proof') return undefined;
  const { limit, reserved, spent } = principal.spend;
  return limit - reserved - spent;
}
