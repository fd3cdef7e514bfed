import type { Logger } from 'pino';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { SitePrices } from '../../config.js';
import { recordAudit } from '../../db/audit-log.js';
import { ownerFacts } from '../../db/owner-facts.js';
import { withTransaction } from '../../db/pool.js';
import { changeOwnerPrices, type PriceChange } from '../../db/provider-prices.js';
import { BrokerError } from '../../domain/errors.js';
import { sentence } from '../../domain/outside.js';
import { pricesByType, type OwnerPrices } from '../../domain/owner-prices.js';
import { providerIdSchema } from '../../domain/registration.js';
import { actorOf } from '../audited.js';
import { ownProvider } from '../own-provider.js';
import { validationFailed } from '../problem.js';
import type { ApiContext, RouteRule } from '../route.js';
import { ownerProviderReply, ownerProviderReplyOf, pricesBody } from '../schemas/owner-provider.js';

interface ProviderPriceDeps {
  pool: Pool;
  config: SitePrices;
  logger: Logger;
  /** Tells the provider's workflow, which works out anew which of its GPUs are sold. */
  announcePlacement: (providerId: string) => Promise<boolean>;
}

const params = z.object({ id: providerIdSchema });

/** An owner's own prices, above those of his agent. Jobs that are placed already keep theirs. */
export function providerPriceRoutes({ pool, config, logger, announcePlacement }: ProviderPriceDeps): RouteRule[] {
  const changes = { auth: 'any', scopes: ['providers:write'], operators: true, limit: 'write' } as const;
  const path = '/api/v1/providers/:id/prices';

  async function change(ctx: ApiContext, prices: PriceChange['prices']): Promise<void> {
    const { providerId, wallet: owner, status } = await ownProvider(ctx, pool, config);
    if (status === 'retired' && prices !== undefined)
      throw new BrokerError('provider_retired', 'the provider has left the fleet');
    const by = actorOf(ctx);
    await withTransaction(pool, async (tx) => {
      const changed = await changeOwnerPrices(tx, providerId, { prices, by: by.actor }, config);
      if (changed === undefined) throw new BrokerError('provider_not_found', 'you have no provider with this id');
      const { before, after } = changed;
      if (before === undefined && after === undefined) return;
      const action = after === undefined ? 'provider.prices_delete' : 'provider.prices_set';
      const detail = {
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
        ...(owner === by.actor ? {} : { owner }),
      };
      await recordAudit(tx, { ...by, action, target: providerId, detail });
    });
    // Placement reads the prices themselves; the workflow would notice them by itself, only later.
    await announcePlacement(providerId).catch((error: unknown) => {
      logger.warn({ err: error, providerId }, 'the workflow of the provider has not been told of its prices');
    });
    const provider = await ownProvider(ctx, pool, config);
    const facts = (await ownerFacts(pool, [providerId])).get(providerId);
    if (facts === undefined) throw new BrokerError('provider_not_found', 'you have no provider with this id');
    ctx.body = ownerProviderReplyOf(provider, facts, config);
  }

  return [
    {
      ...changes,
      method: 'PUT',
      path,
      summary: 'Set prices above those of the agent, for new jobs',
      request: { params, body: pricesBody },
      responses: { 200: { description: 'The provider at these prices', schema: ownerProviderReply } },
      errors: ['provider_not_found', 'provider_retired'],
      handler: (ctx) => {
        const { gpu, cpu, memory_gb, storage_gb } = ctx.state.body as z.output<typeof pricesBody>;
        return change(ctx, (types) => ({
          ...(gpu === undefined ? {} : { gpu: gpuPrices(gpu, types) }),
          ...(cpu === undefined ? {} : { cpu }),
          ...(memory_gb === undefined ? {} : { memory_gb }),
          ...(storage_gb === undefined ? {} : { storage_gb }),
        }));
      },
    },
    {
      ...changes,
      method: 'DELETE',
      path,
      summary: 'Go back to the prices of the agent, for new jobs',
      request: { params },
      responses: { 200: { description: 'The provider at the prices of its agent', schema: ownerProviderReply } },
      errors: ['provider_not_found'],
      handler: (ctx) => change(ctx, undefined),
    },
  ];
}

function gpuPrices(asked: Record<string, number>, types: readonly string[]): NonNullable<OwnerPrices['gpu']> {
  const found = pricesByType(asked, types);
  if (typeof found === 'string') throw validationFailed([{ field: 'gpu', message: sentence(found) }]);
  return found;
}
