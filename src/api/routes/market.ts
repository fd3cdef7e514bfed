import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { registeredGpuTypes } from '../../db/gpu-types.js';
import { historyRanges, marketHistory, readMarket, type HistoryRange } from '../../db/market.js';
import { gpuTypesMeant } from '../../domain/gpu-near.js';
import { createCachedRead } from '../cached-read.js';
import { requireKnownType } from '../gpu-names.js';
import { gpuAsked, gpuQuery } from '../gpu-query.js';
import { validationFailed } from '../problem.js';
import type { RouteRule } from '../route.js';
import { marketHistoryReply, marketHistoryReplyOf, marketReply, marketReplyOf } from '../schemas/market.js';
import { sendCached } from '../send-cached.js';

/** How old the figures of now may be. */
const nowMaxAgeMs = 5_000;
/** A history has a new value every five minutes. */
const historyMaxAgeMs = 60_000;
const maxCachedHistories = 100;

const ranges = Object.keys(historyRanges) as [HistoryRange, ...HistoryRange[]];
const historyQuery = z.object({ ...gpuQuery, range: z.enum(ranges).default('24h') });

/** What all providers together have and ask, now and over time. */
export function marketRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  const now = createCachedRead({ maxAgeMs: nowMaxAgeMs, maxKeys: 1 });
  const histories = createCachedRead({ maxAgeMs: historyMaxAgeMs, maxKeys: maxCachedHistories });
  const open = { method: 'GET', auth: 'none', scopes: [], limit: 'read' } as const;
  return [
    {
      ...open,
      path: '/api/v1/market',
      summary: 'How many GPUs of each type there are, how many are free, and what they cost',
      responses: { 200: { description: 'The market now', schema: marketReply } },
      errors: [],
      handler: async (ctx) => {
        const load = async () => marketReplyOf(await readMarket(pool, config), new Date());
        await sendCached(ctx, await now('market', load));
      },
    },
    {
      ...open,
      path: '/api/v1/market/history',
      summary: 'The same of one GPU type over time, in columns',
      request: { query: historyQuery },
      responses: { 200: { description: 'One value for each step', schema: marketHistoryReply } },
      errors: [],
      handler: async (ctx) => {
        const query = ctx.state.query as z.output<typeof historyQuery>;
        const { gpuType } = gpuAsked(query);
        if (gpuType === undefined) {
          throw validationFailed([{ field: 'query.gpu', message: 'required: a GPU type, such as 4090' }]);
        }
        const { range } = query;
        const load = async () => {
          await requireKnownType(pool, gpuType, 'query.gpu');
          const { keys } = gpuTypesMeant(gpuType, await registeredGpuTypes(pool));
          const steps = await marketHistory(pool, keys, range);
          return marketHistoryReplyOf(gpuType, historyRanges[range].stepS, steps);
        };
        await sendCached(ctx, await histories(`${range} ${gpuType}`, load));
      },
    },
  ];
}
