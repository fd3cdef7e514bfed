import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { findOffers, offerSorts, type OfferSearch } from '../../db/offer-reads.js';
import type { JobOrder } from '../../domain/job.js';
import { orderDefaults } from '../../domain/job-request.js';
import { createCachedRead } from '../cached-read.js';
import { requireKnownType } from '../gpu-names.js';
import { gpuAsked, gpuQuery, maxGpusAsked, needsAsked, needsQuery, queryAmount } from '../gpu-query.js';
import type { RouteRule } from '../route.js';
import { offerListReply, offerReplyOf } from '../schemas/offer.js';
import { pageQuery, queryNumber, queryText } from '../schemas/page.js';
import { sendCached } from '../send-cached.js';

/** How old a response may be; also limits each page to one query a second. */
const maxAgeMs = 1_000;
const maxCachedReplies = 200;

const whole = (max: number) => queryNumber(z.number().int().min(1).max(max));
const yesOrNo = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');

const offerQuery = z.object({
  ...gpuQuery,
  count: whole(maxGpusAsked).default(1).describe('GPUs of one job'),
  ...needsQuery,
  region: queryText
    .transform((text) => text.toLowerCase())
    .optional()
    .describe('`kr` also finds `kr-11`'),
  cpu_cores: whole(1_000_000).default(orderDefaults.cpuCores).describe('Of the job'),
  memory_gb: queryNumber(z.number().positive().max(1_000_000)).default(orderDefaults.memoryGb).describe('Of the job'),
  storage_gb: whole(1_000_000_000).default(orderDefaults.storageGb).describe('Of the job'),
  duration_hours: queryNumber(z.number().positive().max(8_784)).default(orderDefaults.durationHours),
  max_price: queryAmount.optional().describe('Of one GPU and hour'),
  min_reliability: queryNumber(z.number().min(0).max(1))
    .optional()
    .describe('0 to 1; whose reliability is not known is left out'),
  sort: z.enum(offerSorts).default('price'),
  all: yesOrNo.default(false).describe('Also those where such a job cannot start now, each with `why_not`'),
  limit: pageQuery.shape.limit,
  cursor: pageQuery.shape.cursor,
});

/** What can be rented now, and what a job of a certain shape would cost there. */
export function offerRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  const cachedRead = createCachedRead({ maxAgeMs, maxKeys: maxCachedReplies });
  return [
    {
      ...{ method: 'GET', path: '/api/v1/offers', auth: 'none', scopes: [], limit: 'read' },
      summary: 'What is free now, and what a job would cost there',
      request: { query: offerQuery },
      responses: { 200: { description: 'One page; cheapest first unless sorted otherwise', schema: offerListReply } },
      errors: [],
      handler: async (ctx) => {
        const search = searchOf(ctx.state.query as z.output<typeof offerQuery>);
        const load = async () => {
          await requireKnownType(pool, search.order.gpuType, 'query.gpu');
          const { offers, nextCursor } = await findOffers(pool, search, config);
          return {
            offers: offers.map((offer) => offerReplyOf(offer, search.order)),
            count: offers.length,
            ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
          };
        };
        await sendCached(ctx, await cachedRead(JSON.stringify(search), load));
      },
    },
  ];
}

function searchOf(query: z.output<typeof offerQuery>): OfferSearch {
  const { region, min_reliability, max_price, sort, all, limit, cursor } = query;
  return {
    order: {
      ...nobodysOrder,
      ...gpuAsked(query),
      ...needsAsked(query),
      gpuCount: query.count,
      cpuCores: query.cpu_cores,
      memoryMb: Math.ceil(query.memory_gb * 1024),
      storageGb: query.storage_gb,
      durationSeconds: Math.ceil(query.duration_hours * 3600),
    },
    ...(region === undefined ? {} : { region }),
    ...(min_reliability === undefined ? {} : { minReliability: min_reliability }),
    ...(max_price === undefined ? {} : { maxGpuPricePerHour: max_price }),
    ...{ sort, all, limit },
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** An order of nobody, for questions about what an order would get. */
const nobodysOrder: Pick<JobOrder, 'jobId' | 'wallet' | 'image'> = { jobId: '', wallet: '', image: '' };
