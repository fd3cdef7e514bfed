import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Config } from '../../config.js';
import { findKeepers, findOffers } from '../../db/offer-reads.js';
import { chargeFor, reservationFor } from '../../domain/billing.js';
import type { JobOrder } from '../../domain/job.js';
import { quoteRequestSchema, type JobRequest } from '../../domain/job-request.js';
import { priceOf } from '../../domain/pricing.js';
import { whyNobody } from '../../domain/why-not.js';
import { requireKnownType } from '../gpu-names.js';
import { jobPolicyOf } from '../job-policy.js';
import { orderOf, ratesOf } from '../place-order.js';
import type { ApiContext, RouteRule } from '../route.js';
import { offerReplyOf } from '../schemas/offer.js';
import { quoteReply } from '../schemas/quote.js';

const offersShown = 5;

/** What an order would cost. Nothing is written, reserved or held. */
export function quoteRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  return [
    {
      ...{ method: 'POST', path: '/api/v1/quotes', auth: 'none', knowsCallers: true, scopes: [], limit: 'read' },
      summary: 'What an order would cost, and who would take it; or why nobody would',
      request: { body: quoteRequestSchema(jobPolicyOf(config)) },
      responses: { 200: { description: 'The quote, which holds nothing', schema: quoteReply } },
      errors: [],
      handler: async (ctx) => {
        const request = ctx.state.body as JobRequest;
        await requireKnownType(pool, request.gpuType, 'gpu_type');
        // Of a known customer: where a job of his own failed to start is asked last.
        const order = orderOf('', ctx.state.principal?.wallet ?? '', request);
        ctx.set('cache-control', 'no-store');
        ctx.body = await quoteOf({ pool, config }, order, spendingOf(ctx));
      },
    },
  ];
}

async function quoteOf(
  { pool, config }: { pool: Pool; config: Config },
  order: JobOrder,
  remaining: bigint | undefined,
): Promise<z.infer<typeof quoteReply>> {
  const search = { order, sort: 'placement', limit: offersShown } as const;
  const { offers } = await findOffers(pool, search, config);
  const [first] = offers;
  const { bound, reserves } = await ratesOf(pool, order, config);
  const { reasons, isEach } =
    first === undefined ? whyNobody(order, await findKeepers(pool, order, config)) : { reasons: [], isEach: true };
  const least = reservationFor(reserves.at(-1)!, order.durationSeconds);
  return {
    can_start: first !== undefined,
    price_per_hour: first === undefined ? null : priceOf(first.rate),
    cost:
      first === undefined
        ? null
        : {
            expected: total(first.rate, order).toString(),
            at_most: reservationFor(bound, order.durationSeconds).toString(),
          },
    currency: { symbol: config.TOKEN_SYMBOL, decimals: 18 },
    offers: offers.map((offer) => ({
      ...offerReplyOf(offer, order),
      rate_per_hour: offer.rate.toString(),
      total: total(offer.rate, order).toString(),
    })),
    ...(remaining === undefined
      ? {}
      : {
          session: { remaining: remaining.toString(), covers: first === undefined ? null : remaining >= least },
        }),
    why_not: reasons,
    why_not_each: isEach,
    binding: false,
  };
}

const total = (rate: bigint, { durationSeconds }: JobOrder) => chargeFor(rate, durationSeconds * 1000);

/** What the caller's session may still spend; undefined for a stranger. */
function spendingOf({ state: { principal } }: ApiContext): bigint | undefined {
  if (principal === undefined || principal.kind === 'proof') return undefined;
  const { limit, reserved, spent } = principal.spend;
  return limit - reserved - spent;
}
