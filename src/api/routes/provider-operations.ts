import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config, SitePrices } from '../../config.js';
import { BrokerError } from '../../domain/errors.js';
import { providerIdSchema } from '../../domain/registration.js';
import type { ProviderAction } from '../../domain/provider.js';
import type { ProviderCommands } from '../provider-commands.js';
import { actorOf, auditedCommand } from '../audited.js';
import { ownProvider } from '../own-provider.js';
import type { RouteRule } from '../route.js';
import { providerReply, providerReplyOf } from '../schemas/provider.js';

interface ProviderOperationDeps {
  config: Pick<Config, 'JOB_MAX_DURATION_S'> & SitePrices;
  pool: Pool;
  providers: ProviderCommands;
}

const params = z.object({ id: providerIdSchema });

/** Takes a provider out of service and back, for its owner and for operators; any other caller gets a 404. */
export function providerOperationRoutes({ config, pool, providers }: ProviderOperationDeps): RouteRule[] {
  const drainBody = z
    .strictObject({
      deadline_s: z
        .int()
        .min(0)
        .max(config.JOB_MAX_DURATION_S)
        .optional()
        .describe('Seconds until its jobs end at the latest; if absent, each ends at its own expiry'),
    })
    .optional();
  const orders = { method: 'POST', auth: 'any', scopes: ['providers:write'], operators: true, limit: 'write' } as const;
  const errors = ['provider_not_found', 'provider_retired'] as const;
  const done = (description: string) => ({ description, schema: providerReply });

  const order = (
    path: string,
    action: ProviderAction,
    summary: string,
    success: RouteRule['responses'],
  ): RouteRule => ({
    ...orders,
    path: `/api/v1/providers/:id/${path}`,
    summary,
    request: action === 'drain' || action === 'retire' ? { params, body: drainBody } : { params },
    responses: success,
    errors: [...errors],
    handler: async (ctx) => {
      const { providerId, status, wallet: owner } = await ownProvider(ctx, pool, config);
      if (status === 'retired') throw new BrokerError('provider_retired', 'the provider has left the fleet');
      const { deadline_s: deadlineS } = (ctx.state.body as z.output<typeof drainBody>) ?? {};
      const until = deadlineS === undefined ? {} : { until: new Date(Date.now() + deadlineS * 1000) };
      const by = actorOf(ctx);
      const detail = {
        ...(deadlineS === undefined ? {} : { deadline_s: deadlineS }),
        ...(owner === by.actor ? {} : { owner }),
      };
      await auditedCommand(pool, { ...by, action: `provider.${action}`, target: providerId, detail }, () =>
        providers.order(providerId, { action, by: by.actor, ...until }),
      );
      ctx.status = Number(Object.keys(success)[0]);
      ctx.body = providerReplyOf(await ownProvider(ctx, pool, config), config);
    },
  });

  return [
    order('cordon', 'cordon', 'Give a provider no new jobs; running jobs continue', { 200: done('It is cordoned') }),
    order('uncordon', 'uncordon', 'Give a provider jobs again', { 200: done('It is in service, if it is healthy') }),
    order('drain', 'drain', 'Give a provider no new jobs, and end its running jobs', {
      200: done('Idle once `drained`'),
    }),
    order('maintenance', 'drain', 'The same as drain', { 200: done('Idle once `drained`') }),
    order('retire', 'retire', 'Drain a provider, and take it out of the fleet after its last job', {
      202: done('It has left the fleet once its `status` is retired'),
    }),
  ];
}
