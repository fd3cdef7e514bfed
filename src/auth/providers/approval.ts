import type { Hex } from 'viem';
import type { Pool } from 'pg';
import { acceptDelegation } from '../../db/provider-binding.js';
import { recordAudit, type AuditActor } from '../../db/audit-log.js';
import { approveUnsigned, lockUnsignedProvider, type UnsignedProvider } from '../../db/provider-approvals.js';
import { withTransaction, type Transaction } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { MessageRejected, rejectionError } from '../../domain/provider-rejections.js';
import type { VerifyContractWallet } from '../customers/smart-wallet.js';
import { invalid } from '../customers/delegation-policy.js';
import { firstUseWindow, verifyDelegation, type ProviderAuthConfig } from './delegation.js';
import type { ProviderRegistration } from '../../wire/provider-typed-data.js';
import type { Recover } from '../../wire/recover.js';

export interface ApprovalDeps {
  config: ProviderAuthConfig;
  pool: Pool;
  recover: Recover;
  /** When absent, contracts cannot own providers. */
  verifyContractWallet?: VerifyContractWallet | undefined;
  /** Has the provider's workflow read the message with this id, starting the workflow if necessary. */
  announceRegistration(providerId: string, messageId: string): Promise<unknown>;
  /** Unix milliseconds. */
  now?: () => number;
}

/** Who may join unsigned, and with which wallet. */
export interface Approval {
  providerId: string;
  wallet: string;
}

/**
 * Admits an unsigned provider. The approval and a copy of its registration are written together, and its workflow is
 * signalled afterwards. A crash in between is repaired by approving again, which yields the same approval, or by the
 * provider's next registration, which finds it.
 *
 * @param by the operator.
 * @param wallet the provider's wallet as the operator has seen it; if it has changed, nothing is approved.
 * @throws BrokerError `provider_not_found`, `approval_not_needed`, `validation_failed`, `dependency_unavailable`
 */
export async function approveProvider(
  deps: ApprovalDeps,
  { providerId, by, wallet }: { providerId: string; by: AuditActor; wallet?: string | undefined },
): Promise<Approval> {
  const { pool, now = Date.now } = deps;
  requireApprovals(deps);
  const { provider, messageId } = await withTransaction(pool, async (tx) => {
    const found = await unsignedProvider(tx, providerId);
    if (wallet !== undefined && wallet !== found.wallet) throw invalid('wallet', 'is not the wallet of this provider');
    const id = await approveUnsigned(tx, { providerId, by: by.actor, now: new Date(now()) });
    await recordAudit(tx, { ...by, action: 'provider.approve', target: providerId, detail: { wallet: found.wallet } });
    return { provider: found, messageId: id };
  });
  await deps.announceRegistration(providerId, messageId);
  return { providerId, wallet: provider.wallet };
}

/**
 * Lets the owner of the wallet that an unsigned provider named approve it, with a signature that also authorizes a key.
 * Unsigned messages are accepted until that key has signed its first one.
 *
 * @param by the caller, whose wallet it has to be.
 * @throws BrokerError `provider_not_found`, `provider_not_yours`, `approval_not_needed`, `delegation_invalid`,
 *   `nonce_reused`, `timestamp_skew`, `dependency_unavailable`
 */
export async function claimProvider(
  deps: ApprovalDeps,
  claim: { providerId: string; by: AuditActor; message: ProviderRegistration; signature: Hex },
): Promise<Approval> {
  const { pool, now = Date.now } = deps;
  const { providerId, by, message, signature } = claim;
  const wallet = by.actor;
  requireApprovals(deps);
  if (message.wallet !== wallet) throw rejectionError('delegation_mismatch', now());
  const delegation = await verified(deps, message, signature, providerId);
  let messageId = '';
  const rejected = await acceptDelegation(pool, delegation, {
    ...firstUseWindow(now()),
    now: new Date(now()),
    also: async (tx) => {
      const provider = await unsignedProvider(tx, providerId);
      // The wallet named at registration is all that is known of the owner.
      if (provider.wallet !== wallet) throw rejectionError('other_wallet', now());
      messageId = await approveUnsigned(tx, { providerId, by: `owner ${wallet}`, now: new Date(now()) });
      const detail = { node_key: message.nodeKey };
      await recordAudit(tx, { ...by, action: 'provider.claim', target: providerId, detail });
    },
  });
  if (rejected !== undefined) throw rejectionError(rejected, now());
  await deps.announceRegistration(providerId, messageId);
  return { providerId, wallet };
}

async function verified(deps: ApprovalDeps, message: ProviderRegistration, signature: Hex, providerId: string) {
  const nowMs = (deps.now ?? Date.now)();
  try {
    return await verifyDelegation(deps, message, signature, { providerId, nowMs });
  } catch (error) {
    throw error instanceof MessageRejected ? rejectionError(error.reason, nowMs) : error;
  }
}

async function unsignedProvider(tx: Transaction, providerId: string): Promise<UnsignedProvider> {
  const provider = await lockUnsignedProvider(tx, providerId);
  if (provider === undefined) throw new BrokerError('provider_not_found', 'there is no provider with this id');
  if (provider.signs) throw new BrokerError('approval_not_needed', 'the provider signs its messages');
  return provider;
}

/** If everyone must sign, there is nothing to approve; if no one must, an approval adds nothing. */
function requireApprovals({ config }: ApprovalDeps): void {
  if (config.PROVIDER_AUTH_MODE === 'permissive') return;
  throw new BrokerError('approval_not_needed', `providers are not approved in mode ${config.PROVIDER_AUTH_MODE}`);
}
