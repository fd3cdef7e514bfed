import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { gpuAvailability } from '../../db/gpu-availability.js';
import { findProvider, listProviders, searchProviders } from '../../db/provider-reads.js';
import { BrokerError } from '../../domain/errors.js';
import { gpusNear } from '../gpu-names.js';
import { gpuAsked, gpuQuery, maxGpusAsked, needsAsked, needsQuery, queryAmount } from '../gpu-query.js';
import { isProviderId } from '../../domain/provider.js';
import { createCachedRead } from '../cached-read.js';
import type { ApiContext, RouteRule } from '../route.js';
import { pageQuery, queryNumber } from '../schemas/page.js';
import {
  gpuAvailabilityReply,
  gpuAvailabilityReplyOf,
  providerListReply,
  providerReply,
  providerSearchReply,
  providerReplyOf,
} from '../schemas/provider.js';
import { sendCached } from '../send-cached.js';
import { address } from '../../wire/shapes.js';
import { providerStatuses } from '../../wire/statuses.js';

/** How old a public response may be; also limits each page to one query a second. */
const maxAgeMs = 1_000;
/** A page of 100 providers is about 170 kB: the cache stays below some tens of megabytes whatever clients ask for. */
const maxCachedReplies = 200;

/** One row is short, so that a page has more of them. */
const maxAvailabilityRows = 100;

const listQuery = pageQuery.extend({ wallet: address.optional().describe('Only those of this owner') });
const searchQuery = z.object({
  status: z.enum(providerStatuses).optional(),
  ...gpuQuery,
  ...needsQuery,
  gpu_count: queryNumber(z.number().int().min(1).max(maxGpusAsked))
    .optional()
    .describe('GPUs that are free at one provider'),
  min_ram: queryAmount.optional().describe('MB'),
  min_cpu: queryAmount.optional().describe('Cores'),
  min_disk: queryAmount.optional().describe('GB'),
  max_price: queryAmount.optional().describe('Per GPU and hour'),
  sort: z.enum(['price', 'available_gpus', 'registered_at']).default('price'),
  limit: pageQuery.shape.limit,
  offset: queryNumber(z.number().int().min(0).max(100_000)).default(0),
});
const availabilityQuery = z.object({
  ...gpuQuery,
  ...needsQuery,
  limit: queryNumber(z.number().int().min(1).max(maxAvailabilityRows)).default(maxAvailabilityRows),
  cursor: pageQuery.shape.cursor,
});

/** What can be rented, for everybody to read. */
export function providerRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  const cachedRead = createCachedRead({ maxAgeMs, maxKeys: maxCachedReplies });
  const open = { method: 'GET', auth: 'none', scopes: [], limit: 'read' } as const;

  /** The suggestions beside an empty list for one type. */
  const nearOf = async (found: readonly unknown[], { gpuType }: { gpuType?: string }) =>
    found.length > 0 || gpuType === undefined ? {} : { near: await gpusNear(pool, gpuType) };

  /** Queries with the same meaning share a response: the key is the parsed query. */
  const answer = async (ctx: ApiContext, key: unknown, load: () => Promise<unknown>) =>
    await sendCached(ctx, await cachedRead(`${ctx.state.rule!.path} ${JSON.stringify(key)}`, load));

  return [
    {
      ...open,
      path: '/api/v1/providers',
      summary: 'List providers, page by page',
      request: { query: listQuery },
      responses: { 200: { description: 'One page', schema: providerListReply } },
      errors: [],
      handler: async (ctx) => {
        const { limit, cursor, wallet } = ctx.state.query as z.output<typeof listQuery>;
        await answer(ctx, [limit, cursor, wallet], async () => {
          const page = await listProviders(
            pool,
            { limit, wallet, ...(cursor === undefined ? {} : { cursor }) },
            config,
          );
          return {
            providers: page.providers.map((provider) => providerReplyOf(provider, config)),
            count: page.providers.length,
            ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
          };
        });
      },
    },
    {
      ...open,
      path: '/api/v1/providers/search',
      summary: 'Search for providers',
      request: { query: searchQuery },
      responses: { 200: { description: 'The matching providers', schema: providerSearchReply } },
      errors: [],
      handler: async (ctx) => {
        const search = searchFilterOf(ctx.state.query as z.output<typeof searchQuery>);
        await answer(ctx, search, async () => {
          const providers = await searchProviders(pool, search, config);
          return {
            providers: providers.map((provider) => providerReplyOf(provider, config)),
            count: providers.length,
            ...(await nearOf(providers, search)),
          };
        });
      },
    },
    {
      ...open,
      path: '/api/v1/providers/gpu-availability',
      summary: 'List free GPUs, per provider and type, page by page',
      request: { query: availabilityQuery },
      responses: {
        200: {
          description: 'One page; the cheapest first, those that are not sold last',
          schema: gpuAvailabilityReply,
        },
      },
      errors: [],
      handler: async (ctx) => {
        const query = ctx.state.query as z.output<typeof availabilityQuery>;
        const { limit, cursor } = query;
        const asked = { ...gpuAsked(query), ...needsAsked(query), limit, ...(cursor === undefined ? {} : { cursor }) };
        await answer(ctx, asked, async () => {
          const page = await gpuAvailability(pool, asked, config);
          // A page after the last row says that the list has ended, and not that there is no such type.
          const near = cursor === undefined ? await nearOf(page.rows, asked) : {};
          return { ...gpuAvailabilityReplyOf(page, config), ...near };
        });
      },
    },
    {
      ...open,
      path: '/api/v1/providers/:id',
      summary: 'Read a provider',
      responses: { 200: { description: 'The provider', schema: providerReply } },
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const id = ctx.state.params['id']!;
        await answer(ctx, id, async () => {
          const provider = isProviderId(id) ? await findProvider(pool, id, config) : undefined;
          if (provider === undefined) throw new BrokerError('provider_not_found', 'there is no provider with this id');
          return providerReplyOf(provider, config);
        });
      },
    },
  ];
}

function searchFilterOf(query: z.output<typeof searchQuery>) {
  const { status, gpu_count: gpuCount, min_ram, min_cpu, min_disk, max_price, sort, limit, offset } = query;
  return {
    ...(status === undefined ? {} : { status }),
    ...gpuAsked(query),
    ...needsAsked(query),
    ...(gpuCount === undefined ? {} : { gpuCount }),
    ...(min_ram === undefined ? {} : { minMemoryMb: min_ram }),
    ...(min_cpu === undefined ? {} : { minCpuCores: min_cpu }),
    ...(min_disk === undefined ? {} : { minStorageGb: min_disk }),
    ...(max_price === undefined ? {} : { maxPricePerHour: max_price }),
    sort,
    limit,
    offset,
  };
}
