import type { Pool } from 'pg';
import type { z } from 'zod';
import { recordAudit } from '../../db/audit-log.js';
import { withTransaction, type Transaction } from '../../db/pool.js';
import { lockMonthlyCap, readMonthlyCap, removeMonthlyCap, writeMonthlyCap } from '../../db/spending-caps.js';
import { BrokerError } from '../../domain/errors.js';
import { actorOf } from '../audited.js';
import { principalOf } from '../principal.js';
import type { ApiContext, RouteRule } from '../route.js';
import { monthlyCapBody, monthlyCapReply, monthlyCapReplyOf } from '../schemas/monthly-cap.js';

/**
 * What a wallet lets all of its sessions spend in a month. Whoever may spend may lower it; to raise it or take it away
 * needs what a stolen login or token does not have.
 */
export function monthlyCapRoutes({ pool }: { pool: Pool }): RouteRule[] {
  const writes = { path: '/api/v1/billing/monthly-cap', auth: 'any', scopes: ['jobs:write'], limit: 'write' } as const;
  return [
    {
      ...{ ...writes, method: 'PUT' },
      summary: 'Set what your wallet may spend in a month; to raise it needs the scope `billing:write`',
      request: { body: monthlyCapBody },
      responses: { 200: { description: 'It holds from the next order on', schema: monthlyCapReply } },
      errors: [],
      handler: async (ctx) => {
        const { amount } = ctx.state.body as z.output<typeof monthlyCapBody>;
        const cap = await changeCap(ctx, pool, BigInt(amount));
        ctx.body = monthlyCapReplyOf(cap!);
      },
    },
    {
      ...{ ...writes, method: 'DELETE' },
      summary: 'Have no monthly cap any more; needs the scope `billing:write`',
      responses: { 204: { description: 'There is none' } },
      errors: [],
      handler: async (ctx) => {
        await changeCap(ctx, pool, undefined);
        ctx.status = 204;
      },
    },
  ];
}

/** @param amount undefined for no cap. */
async function changeCap(ctx: ApiContext, pool: Pool, amount: bigint | undefined) {
  const by = actorOf(ctx);
  const wallet = by.actor;
  return await withTransaction(pool, async (tx) => {
    const before = await lockMonthlyCap(tx, wallet);
    if (before !== undefined && (amount === undefined || amount > before)) requireMayRaise(ctx);
    if (amount !== before) {
      await change(tx, wallet, amount);
      const detail = { from: before?.toString() ?? null, to: amount?.toString() ?? null };
      await recordAudit(tx, { ...by, action: 'wallet.monthly_cap', target: wallet, detail });
    }
    return await readMonthlyCap(tx, wallet);
  });
}

const change = (tx: Transaction, wallet: string, amount: bigint | undefined) =>
  amount === undefined ? removeMonthlyCap(tx, wallet) : writeMonthlyCap(tx, wallet, amount);

/**
 * A cap bounds what a thief of a login can spend, so a login that may spend must not be enough. A token is passed on to
 * programs, and never is.
 *
 * @throws BrokerError `scope_denied`
 */
function requireMayRaise(ctx: ApiContext): void {
  const { kind, scopes } = principalOf(ctx);
  if (kind === 'signed' && scopes.includes('billing:write')) return;
  throw new BrokerError(
    'scope_denied',
    'to raise or remove a monthly cap needs a request that is signed by a login with the scope billing:write',
    { missing_scopes: ['billing:write'] },
  );
}
