import { z } from 'zod';
import { networkOf } from '../../auth/networks.js';
import { keepOwnersDelegation } from '../../auth/providers/leave-delegation.js';
import type { ProviderVerifierDeps } from '../../auth/providers/identity.js';
import { inTurn } from '../../auth/turns.js';
import { providerIdSchema } from '../../domain/registration.js';
import { maxSignatureHex } from '../../wire/shapes.js';
import { sourceOf } from '../audited.js';
import type { Limiter } from '../limiter.js';
import { replyUncached } from '../reply-uncached.js';
import type { RouteRule } from '../route.js';

const body = z.strictObject({
  reg: z.string().max(4_096).describe('The JSON text of the delegation, exactly as it was signed'),
  regsig: z.string().max(maxSignatureHex).describe("The wallet's signature of it"),
});

const reply = z
  .object({
    provider_id: z.string(),
    wallet: z.string().describe('It is paid'),
    node_key: z.string(),
    expires_at: z.iso.datetime().describe('Until when the key may speak for the provider'),
    use_until: z.iso.datetime().describe('Until when the machine has to register with it'),
  })
  .meta({ id: 'LeftDelegation' });

/** Where an owner leaves the signature that his machine waits for, so that nobody has to carry a file to it. */
export function leftDelegationRoutes({ limiter, ...deps }: ProviderVerifierDeps & { limiter: Limiter }): RouteRule[] {
  return [
    {
      method: 'PUT',
      path: '/api/v1/providers/:id/delegation',
      auth: 'none',
      scopes: [],
      limit: 'proof',
      summary: 'Leave a delegation for a machine, which fetches it with its answers',
      request: { params: z.object({ id: providerIdSchema }), body },
      responses: { 202: { description: 'It waits for the machine', schema: reply } },
      errors: ['delegation_invalid', 'provider_not_yours', 'nonce_reused', 'timestamp_skew', 'quota_exceeded'],
      handler: async (ctx) => {
        const { ip, overLimit } = ctx.state;
        if (overLimit !== undefined) throw overLimit;
        // A signature of any wallet passes, and wallets cost nothing: it proves nobody who could be counted instead.
        await limiter.caller('provider_strangers', networkOf(ip));
        const providerId = ctx.state.params['id']!;
        const { reg, regsig } = ctx.state.body as z.output<typeof body>;
        const kept = await inTurn({ network: networkOf(ip), who: providerId }, () =>
          keepOwnersDelegation(deps, { providerId, reg, regsig, ...sourceOf(ctx) }),
        );
        replyUncached(ctx, 202, {
          provider_id: providerId,
          wallet: kept.wallet,
          node_key: kept.nodeKey,
          expires_at: kept.expiresAt.toISOString(),
          use_until: kept.goodUntil.toISOString(),
        } satisfies z.infer<typeof reply>);
      },
    },
  ];
}
