import type { Pool } from 'pg';
import type { Address, Hex } from 'viem';
import type { z } from 'zod';
import type { RecoverSigner } from '../../auth/recover-signer.js';
import { signatureFormProblem } from '../../auth/signature-form.js';
import { askWithdrawal } from '../../billing/withdrawals.js';
import type { Config } from '../../config.js';
import { chainSettings } from '../../config/chain.js';
import { recordAudit } from '../../db/audit-log.js';
import { seenVault } from '../../db/vaults.js';
import { walletDeposits } from '../../db/deposits.js';
import { withTransaction } from '../../db/pool.js';
import { keepPermit, signedCap } from '../../db/spend-permits.js';
import { findWithdrawal, openWithdrawal, type Withdrawal } from '../../db/withdrawals.js';
import { BrokerError } from '../../domain/errors.js';
import { scaleOf } from '../../domain/vault-units.js';
import { spendPermitDigest } from '../../wire/vault-typed-data.js';
import { actorOf } from '../audited.js';
import { readVaultOf } from '../own-vault.js';
import { principalOf } from '../principal.js';
import { validationFailed } from '../problem.js';
import { requestKeyOf } from '../request-key.js';
import type { ApiContext, RouteRule } from '../route.js';
import { depositsReply, depositsReplyOf } from '../schemas/deposits.js';
import { permitBody, requestKey, withdrawalBody, withdrawalReply, withdrawalReplyOf } from '../schemas/withdrawal.js';
import type { VaultCommands } from '../vault-commands.js';

interface DepositDeps {
  pool: Pool;
  config: Config;
  recover: RecoverSigner;
  vault: VaultCommands;
}

/** A customer's money in the vault. Figures are as the broker has read them from the chain: no request waits for a node. */
export function depositRoutes(deps: DepositDeps): RouteRule[] {
  return [depositsRoute(deps), permitRoute(deps), withdrawalRoute(deps)];
}

function depositsRoute({ pool, config }: DepositDeps): RouteRule {
  const vault = chainSettings(config);
  return {
    ...{ method: 'GET', path: '/api/v1/billing/deposits', auth: 'any', scopes: ['jobs:read'], limit: 'read' },
    summary: 'What you have in the vault, what may be drawn of it, and what is on its way',
    responses: { 200: { description: 'As of the last block that is booked', schema: depositsReply } },
    errors: [],
    handler: async (ctx) => {
      if (vault === undefined) {
        ctx.body = depositsReplyOf(undefined);
        return;
      }
      const wallet = principalOf(ctx).wallet as Address;
      const [known, withdrawing, deposits] = await Promise.all([
        seenVault(pool, vault),
        openWithdrawal(pool, vault, wallet),
        walletDeposits(pool, vault, wallet),
      ]);
      ctx.body = depositsReplyOf({ vault, known, wallet, withdrawing }, deposits);
    },
  };
}

const writes = { method: 'POST', auth: 'signed', scopes: ['billing:write'], limit: 'write' } as const;

function permitRoute({ pool, config, recover }: DepositDeps): RouteRule {
  return {
    ...writes,
    path: '/api/v1/billing/permits',
    summary: 'Let the vault draw more of what you deposited, without gas: what your wallet signed counts at once',
    request: { body: permitBody },
    responses: { 204: { description: 'It is kept until a settlement carries it to the vault' } },
    errors: ['chain_off'],
    handler: async (ctx) => {
      const { vault, known } = await readVaultOf(config, pool);
      const { cumulative_cap: text, signature: given } = ctx.state.body as z.output<typeof permitBody>;
      const wallet = principalOf(ctx).wallet as Address;
      const cap = BigInt(text);
      const scale = scaleOf(known.decimals);
      if (cap % scale !== 0n) throw wrong('cumulative_cap', `must be a multiple of ${scale}: whole units of the token`);
      const signature = await signatureOf(given);
      const permit = { customer: wallet, cumulativeCap: cap / scale };
      if ((await recover(spendPermitDigest(vault, permit), signature)) !== wallet) {
        throw wrong(
          'signature',
          `must be of your wallet, over SpendPermit with this cap (${permit.cumulativeCap} units of the token) for this ` +
            'vault; a contract wallet calls raiseCap of the vault instead',
        );
      }
      await withTransaction(pool, async (tx) => {
        const before = await signedCap(tx, vault, wallet);
        if (cap < before) throw wrong('cumulative_cap', `must not be below what you have signed: ${before}`);
        if (cap === before || !(await keepPermit(tx, vault, { wallet, cap, signature }))) return;
        const detail = { from: before.toString(), to: text };
        await recordAudit(tx, { ...actorOf(ctx), action: 'wallet.spend_permit', target: wallet, detail });
      });
      ctx.status = 204;
    },
  };
}

const wrong = (field: string, message: string) => validationFailed([{ field, message }]);

/** As the vault takes it: v is 27 or 28 there. */
async function signatureOf(given: string): Promise<Hex> {
  const problem = signatureFormProblem(given);
  if (problem !== undefined) throw wrong('signature', problem);
  const v = Number.parseInt(given.slice(130), 16) % 27;
  return `${given.slice(0, 130).toLowerCase()}${(v + 27).toString(16)}` as Hex;
}

function withdrawalRoute({ pool, config, vault: commands }: DepositDeps): RouteRule {
  return {
    ...writes,
    path: '/api/v1/billing/withdrawals',
    summary: 'Take free money out of the vault: the reply has the call that your wallet sends within 15 minutes',
    request: { body: withdrawalBody, headers: requestKey },
    responses: { 201: { description: 'It is held for you until the deadline', schema: withdrawalReply } },
    errors: ['insufficient_funds', 'withdrawal_pending', 'exit_pending', 'chain_off', 'idempotency_conflict'],
    handler: async (ctx) => {
      const { vault, known } = await readVaultOf(config, pool);
      const scaled = { chainId: vault.chainId, vault: vault.vault, scale: scaleOf(known.decimals) };
      const { id, status } = await withTransaction(pool, async (tx) => await heldBy(ctx, tx, scaled));
      if (status === 'asked') await commands.signWithdrawal(id);
      ctx.status = 201;
      ctx.body = withdrawalReplyOf(vault, signed(await findWithdrawal(pool, id)));
    },
  };
}

async function heldBy(
  ctx: ApiContext,
  ...[tx, vault]: [Parameters<typeof askWithdrawal>[0], Parameters<typeof askWithdrawal>[1]]
): Promise<Withdrawal> {
  const amount = BigInt((ctx.state.body as z.output<typeof withdrawalBody>).amount);
  const by = actorOf(ctx);
  const wallet = by.actor as Address;
  const { withdrawal, isRepeat } = await askWithdrawal(tx, vault, { wallet, amount, requestKey: requestKeyOf(ctx) });
  if (!isRepeat) {
    const detail = { amount: amount.toString(), id: withdrawal.id };
    await recordAudit(tx, { ...by, action: 'wallet.withdrawal', target: wallet, detail });
  }
  return withdrawal;
}

/** @throws BrokerError that says why it cannot be taken. */
function signed(withdrawal: Withdrawal | undefined): Withdrawal {
  if (withdrawal?.signature !== undefined) return withdrawal;
  switch (withdrawal?.voidReason) {
    case 'vault_differs':
      throw new BrokerError(
        'withdrawal_pending',
        'the vault has paid your wallet out meanwhile, or is about to, and that is not final yet: try again with another ' +
          'Idempotency-Key once it is',
      );
    case 'unsigned':
    case 'expired':
      throw new BrokerError(
        'idempotency_conflict',
        'this withdrawal was given back before it was signed: use another key',
      );
    default:
      throw new BrokerError('dependency_unavailable', 'nobody could sign it: try again later');
  }
}
