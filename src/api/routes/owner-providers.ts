import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { chainSettings } from '../../config/chain.js';
import { openStop } from '../../db/batches.js';
import { earningsBalance, payeeOf } from '../../db/earnings.js';
import { ownerFacts } from '../../db/owner-facts.js';
import { listProviderJobs } from '../../db/provider-jobs.js';
import { listProviders } from '../../db/provider-reads.js';
import { usageSeries } from '../../db/provider-samples.js';
import { nextBatchAt } from '../../domain/next-batch.js';
import { providerIdSchema } from '../../domain/registration.js';
import { ownProvider } from '../own-provider.js';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { billQuery, earningsReply } from '../schemas/bill.js';
import { ownerProviderListReply, ownerProviderReplyOf } from '../schemas/owner-provider.js';
import { pageQuery } from '../schemas/page.js';
import {
  providerJobsQuery,
  providerJobsReply,
  providerJobsReplyOf,
  usageQuery,
  usageReply,
  usageReplyOf,
  usageSteps,
} from '../schemas/provider-series.js';
import { earnings, sendBill } from '../send-bill.js';

const params = z.object({ id: providerIdSchema });

/** What an owner sees of his machines. Operators see it of every machine; anybody else gets a 404. */
export function ownerProviderRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  const reads = { method: 'GET', auth: 'any', scopes: ['providers:read'], limit: 'read' } as const;
  const ofOne = { ...reads, operators: true } as const;
  const vault = chainSettings(config);
  const shownBalance = async (wallet: string | undefined, providerId?: string) => {
    const isStopped = vault !== undefined && (await openStop(pool, vault)) !== undefined;
    const nextAt = vault === undefined || isStopped ? undefined : nextBatchAt(Date.now(), vault.batchIntervalH);
    return { ...(await earningsBalance(pool, wallet, providerId)), nextBatchAt: nextAt };
  };
  const earningsOf = { description: 'By the end of jobs; what runs counts as of now', schema: earningsReply };
  return [
    {
      ...reads,
      path: '/api/v1/me/providers',
      summary: 'Your providers, with what only you are shown of them',
      request: { query: pageQuery },
      responses: { 200: { description: 'One page', schema: ownerProviderListReply } },
      errors: [],
      handler: async (ctx) => {
        const { limit, cursor } = ctx.state.query as z.output<typeof pageQuery>;
        const { wallet } = principalOf(ctx);
        const page = await listProviders(pool, { limit, wallet, ...(cursor === undefined ? {} : { cursor }) }, config);
        const facts = await ownerFacts(
          pool,
          page.providers.map(({ providerId }) => providerId),
        );
        // One that has been forgotten meanwhile has no facts.
        const providers = page.providers.flatMap((provider) => {
          const own = facts.get(provider.providerId);
          return own === undefined ? [] : [ownerProviderReplyOf(provider, own, config)];
        });
        ctx.body = {
          providers,
          count: providers.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        };
      },
    },
    {
      ...reads,
      path: '/api/v1/me/earnings',
      summary: 'What your providers earned, by day, job or provider; also as `text/csv`',
      request: { query: billQuery(['day', 'job', 'provider'], 'day') },
      responses: { 200: { ...earningsOf, alsoAs: ['text/csv'] } },
      errors: [],
      handler: (ctx) => {
        const { wallet } = principalOf(ctx);
        return sendBill(
          ctx,
          pool,
          { owner: wallet },
          earnings(() => shownBalance(wallet)),
        );
      },
    },
    {
      ...ofOne,
      path: '/api/v1/providers/:id/earnings',
      summary: 'What a provider earned, by day or job; also as `text/csv`',
      request: { params, query: billQuery(['day', 'job'], 'day') },
      responses: { 200: { ...earningsOf, alsoAs: ['text/csv'] } },
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const { providerId, wallet } = await ownProvider(ctx, pool, config);
        const balance = async () => {
          // Who named a wallet is not shown what that wallet earns elsewhere.
          const payee = await payeeOf(pool, providerId);
          return await shownBalance(payee === wallet ? payee : undefined, providerId);
        };
        await sendBill(ctx, pool, { providerId }, earnings(balance));
      },
    },
    {
      ...ofOne,
      path: '/api/v1/providers/:id/jobs',
      summary: 'The jobs at a provider, newest first; neither whose they are nor what they run',
      request: { params, query: providerJobsQuery },
      responses: { 200: { description: 'One page', schema: providerJobsReply } },
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const { providerId } = await ownProvider(ctx, pool, config);
        const { limit, cursor, status } = ctx.state.query as z.output<typeof providerJobsQuery>;
        ctx.body = providerJobsReplyOf(
          await listProviderJobs(pool, providerId, { limit, cursor, live: status === 'active' }),
        );
      },
    },
    {
      ...ofOne,
      path: '/api/v1/providers/:id/usage',
      summary: 'How busy a provider was',
      request: { params, query: usageQuery },
      responses: { 200: { description: 'By columns, oldest first', schema: usageReply } },
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const { providerId } = await ownProvider(ctx, pool, config);
        const { range } = ctx.state.query as z.output<typeof usageQuery>;
        ctx.body = usageReplyOf(await usageSeries(pool, providerId, usageSteps[range]));
      },
    },
  ];
}
