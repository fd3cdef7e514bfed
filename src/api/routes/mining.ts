import { z } from 'zod';
import type { Pool } from 'pg';
import type { Config } from '../../config.js';
import { recordAudit } from '../../db/audit-log.js';
import { miningFigures, miningTotals, setMiningWanted, type MiningFigures } from '../../db/mining.js';
import { withTransaction } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { changedMiningConfig, miningProblems } from '../../domain/mining.js';
import { miningConfigSchema, providerIdSchema, type MiningConfig } from '../../domain/registration.js';
import { actorOf } from '../audited.js';
import { createCachedRead } from '../cached-read.js';
import { validationFailed } from '../problem.js';
import { principalOf } from '../principal.js';
import type { ApiContext, RouteRule } from '../route.js';
import {
  miningChangeReply,
  miningMetricsOf,
  miningMetricsReply,
  miningReply,
  miningReplyOf,
} from '../schemas/mining.js';
import { sendCached } from '../send-cached.js';

export interface MiningRouteDeps {
  config: Pick<Config, 'MINING_IMAGE_ALLOWLIST'>;
  pool: Pool;
  /** Tells the provider's workflow; safe to repeat. */
  announceMining: (providerId: string) => Promise<boolean>;
}

/** How old a public response may be. */
const maxAgeMs = 1_000;
const maxCachedReplies = 200;

const params = z.object({ id: providerIdSchema });
/** Fields that are missing, empty or 0 keep their values. */
const startBody = miningConfigSchema.optional();
/** What existing controllers send; nothing depends on it. */
const shareBody = z
  .object({ gpu_count: z.int().min(0).optional(), gpu_type: z.string().optional(), reason: z.string().optional() })
  .optional();

/** Mining on a provider's idle GPUs: everybody may read it, its owner or an operator may start and stop it. */
export function miningRoutes({ config, pool, announceMining }: MiningRouteDeps): RouteRule[] {
  const cachedRead = createCachedRead({ maxAgeMs, maxKeys: maxCachedReplies });
  const policy = { imageAllowlist: config.MINING_IMAGE_ALLOWLIST };
  const open = { method: 'GET', auth: 'none', scopes: [], limit: 'read' } as const;
  const owners = { method: 'POST', auth: 'any', scopes: ['providers:write'], operators: true, limit: 'write' } as const;
  const changed = { 200: { description: 'The present state', schema: miningChangeReply } };

  /** The provider, if the caller may decide about it; any other caller gets a 404. */
  async function ownProvider(ctx: ApiContext): Promise<MiningFigures> {
    const { scopes, wallet } = principalOf(ctx);
    const figures = await miningFigures(pool, ctx.state.params['id']!);
    const isOwn = figures?.wallet === wallet || scopes.includes('admin');
    if (figures === undefined || !isOwn) throw noSuchProvider();
    return figures;
  }

  async function setWanted(ctx: ApiContext, providerId: string, enabled: boolean, wanted?: MiningConfig) {
    await withTransaction(pool, async (tx) => {
      await setMiningWanted(tx, providerId, enabled, wanted);
      const { image, gpuCount: gpu_count, walletAddress: wallet_address } = wanted ?? {};
      const detail = wanted === undefined ? {} : { image, gpu_count, wallet_address };
      const action = enabled ? 'mining.start' : 'mining.stop';
      await recordAudit(tx, { ...actorOf(ctx), action, target: providerId, detail });
    });
  }

  async function answer(ctx: ApiContext, message: string): Promise<void> {
    const figures = await miningFigures(pool, ctx.state.params['id']!);
    if (figures === undefined) throw noSuchProvider();
    ctx.body = { success: true, message, mining_status: miningReplyOf(figures) } satisfies z.infer<
      typeof miningChangeReply
    >;
  }

  /** Both routes of older controllers, which moved GPUs between mining and renting by hand. */
  const share = (verb: 'allocate' | 'release'): RouteRule => ({
    ...owners,
    path: `/api/v1/providers/:id/mining/${verb}`,
    summary: 'Report the state of mining without changing it: jobs take GPUs from miners and return them automatically',
    request: { params, body: shareBody },
    responses: changed,
    errors: ['provider_not_found'],
    handler: async (ctx) => {
      await ownProvider(ctx);
      await answer(
        ctx,
        'nothing is to be done: idle GPUs mine, and jobs take them; start with gpu_count says how many',
      );
    },
  });

  return [
    {
      ...open,
      path: '/api/v1/providers/:id/mining',
      summary: 'How many of a provider’s GPUs mine, or why none do',
      request: { params },
      responses: { 200: { description: 'As of now', schema: miningReply } },
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const id = ctx.state.params['id']!;
        const load = async () => {
          const figures = await miningFigures(pool, id);
          if (figures === undefined) throw noSuchProvider();
          return miningReplyOf(figures);
        };
        await sendCached(ctx, await cachedRead(`provider ${id}`, load));
      },
    },
    {
      ...open,
      path: '/api/v1/mining/metrics',
      summary: 'Mining totals of all providers',
      responses: { 200: { description: 'As of now', schema: miningMetricsReply } },
      errors: [],
      handler: async (ctx) => {
        const load = async () => miningMetricsOf(await miningTotals(pool));
        await sendCached(ctx, await cachedRead('metrics', load));
      },
    },
    {
      ...owners,
      path: '/api/v1/providers/:id/mining/start',
      summary: 'Let idle GPUs mine; a body sets the configuration until the next registration replaces it',
      request: { params, body: startBody },
      responses: changed,
      errors: ['provider_not_found', 'mining_off'],
      handler: async (ctx) => {
        const { providerId, config: known } = await ownProvider(ctx);
        if (policy.imageAllowlist.length === 0) throw new BrokerError('mining_off', 'MINING_IMAGE_ALLOWLIST is empty');
        const change = (ctx.state.body as MiningConfig | undefined) ?? miningConfigSchema.parse({});
        const wanted = changedMiningConfig(known, change);
        const problems = miningProblems(wanted, policy);
        if (problems.length > 0) throw validationFailed(problems);
        await setWanted(ctx, providerId, true, wanted);
        await announceMining(providerId);
        await answer(ctx, 'idle GPUs mine from now on');
      },
    },
    {
      ...owners,
      path: '/api/v1/providers/:id/mining/stop',
      summary: 'Stop mining until it is started again',
      request: { params },
      responses: changed,
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const { providerId } = await ownProvider(ctx);
        await setWanted(ctx, providerId, false);
        await announceMining(providerId);
        await answer(ctx, 'its miners are being ended');
      },
    },
    share('allocate'),
    share('release'),
  ];
}

function noSuchProvider(): BrokerError {
  return new BrokerError('provider_not_found', 'there is no provider with this id');
}
