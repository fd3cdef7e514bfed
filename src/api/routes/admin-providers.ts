import type { Logger } from 'pino';
import { z } from 'zod';
import { approveProvider, claimProvider, type ApprovalDeps } from '../../auth/providers/approval.js';
import { recordAudit } from '../../db/audit-log.js';
import { withTransaction } from '../../db/pool.js';
import { forgive } from '../../db/provider-failures.js';
import { BrokerError } from '../../domain/errors.js';
import { providerIdSchema } from '../../domain/registration.js';
import { actorOf } from '../audited.js';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { providerRegistrationMessage } from '../../wire/node-key-delegation.js';
import { address, walletSignature } from '../../wire/shapes.js';

const params = z.object({ id: providerIdSchema });

const claimBody = z.strictObject({
  message: providerRegistrationMessage,
  signature: walletSignature.describe('The wallet’s signature of the message'),
});
const approvalBody = z
  .strictObject({ wallet: address.optional().describe('The wallet that the provider names, as you saw it') })
  .optional();

const approvalReply = z.object({
  provider_id: z.string(),
  wallet: z.string(),
});

export interface AdminProviderDeps extends ApprovalDeps {
  logger: Logger;
  /** Tells the provider's workflow, which shows what it waits for, that jobs are placed there again. */
  announcePlacement: (providerId: string) => Promise<boolean>;
}

/**
 * Admits a provider that does not sign, where such providers are accepted: its owner claims it, or an operator approves
 * it. Also ends the time out of placement early for a provider that failed to start jobs.
 */
export function adminProviderRoutes(deps: AdminProviderDeps): RouteRule[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/providers/:id/claim',
      auth: 'any',
      scopes: ['providers:write'],
      limit: 'write',
      summary: 'Claim a provider that registered unsigned with this session’s wallet',
      request: { params, body: claimBody },
      responses: { 200: { description: 'It may join', schema: approvalReply } },
      errors: ['provider_not_found', 'provider_not_yours', 'approval_not_needed', 'delegation_invalid', 'nonce_reused'],
      handler: async (ctx) => {
        const { message, signature } = ctx.state.body as z.output<typeof claimBody>;
        const { id: providerId = '' } = ctx.state.params;
        ctx.body = replyOf(await claimProvider(deps, { providerId, by: actorOf(ctx), message, signature }));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/admin/providers/:id/approve',
      auth: 'signed',
      scopes: ['admin'],
      limit: 'write',
      summary: 'Approve a provider that does not sign',
      request: { params, body: approvalBody },
      responses: { 200: { description: 'It may join', schema: approvalReply } },
      errors: ['provider_not_found', 'approval_not_needed'],
      handler: async (ctx) => {
        const body = ctx.state.body as z.output<typeof approvalBody>;
        const { id: providerId = '' } = ctx.state.params;
        ctx.body = replyOf(await approveProvider(deps, { providerId, by: actorOf(ctx), wallet: body?.wallet }));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/admin/providers/:id/forgive',
      auth: 'signed',
      scopes: ['admin'],
      limit: 'write',
      summary: 'Forget a provider’s failed starts, so that it gets jobs again at once',
      request: { params },
      responses: { 200: { description: 'Forgotten', schema: z.object({ provider_id: z.string() }) } },
      errors: ['provider_not_found'],
      handler: async (ctx) => {
        const { id: providerId = '' } = ctx.state.params;
        await withTransaction(deps.pool, async (tx) => {
          if (!(await forgive(tx, providerId))) {
            throw new BrokerError('provider_not_found', 'there is no provider with this id');
          }
          await recordAudit(tx, { ...actorOf(ctx), action: 'provider.forgive', target: providerId });
        });
        const operator = principalOf(ctx).wallet;
        deps.logger.warn({ providerId, operator }, 'an operator cleared the failed starts of a provider');
        await deps.announcePlacement(providerId).catch((error: unknown) => {
          deps.logger.warn({ err: error, providerId }, 'the workflow of the provider still shows that it is out');
        });
        ctx.body = { provider_id: providerId };
      },
    },
  ];
}

function replyOf({ providerId, wallet }: { providerId: string; wallet: string }): z.infer<typeof approvalReply> {
  return { provider_id: providerId, wallet };
}
