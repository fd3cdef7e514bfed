import type { Hex } from 'viem';
import { recordAudit } from '../../db/audit-log.js';
import { leaveDelegation } from '../../db/left-delegations.js';
import { withTransaction } from '../../db/pool.js';
import { acceptDelegation, type SignedDelegation } from '../../db/provider-binding.js';
import { providerRecords } from '../../db/provider-identities.js';
import { BrokerError } from '../../domain/errors.js';
import { MessageRejected, rejectionError } from '../../domain/provider-rejections.js';
import { readDelegation } from '../../wire/node-key-delegation.js';
import { ownerSignatureProblem } from '../signature-form.js';
import { firstUseSkewS, firstUseWindow, requireOwner, verifyDelegation } from './delegation.js';
import type { ProviderVerifierDeps } from './identity.js';

/** A delegation as an owner sends it, and the request that brought it. */
export interface OwnersDelegation {
  providerId: string;
  reg: string;
  regsig: string;
  ip: string;
  requestId: string;
}

/**
 * Keeps an owner's delegation until his machine comes for it. It is its own proof, and is checked as in the registration
 * that will bring it back: what is kept here would be accepted now.
 *
 * @returns what it says, and until when the machine must have used it.
 * @throws BrokerError `delegation_invalid`, `provider_not_yours`, `nonce_reused`, `timestamp_skew`, `quota_exceeded`,
 *   `rate_limited`, `dependency_unavailable`
 */
export async function keepOwnersDelegation(
  deps: ProviderVerifierDeps,
  { providerId, reg, regsig, ip, requestId }: OwnersDelegation,
): Promise<{ wallet: string; nodeKey: string; expiresAt: Date; goodUntil: Date }> {
  const { pool, now = Date.now } = deps;
  const { wallet, nodeKey, issuedAt, expiresAt } = await verified(deps, { providerId, reg, regsig });
  const firstUseUntil = new Date(issuedAt.getTime() + firstUseSkewS * 1_000);
  const goodUntil = firstUseUntil < expiresAt ? firstUseUntil : expiresAt;
  const outcome = await withTransaction(pool, async (tx) => {
    const of = await leaveDelegation(tx, { providerId, nodeKey, wallet, reg, regsig, issuedAt, goodUntil });
    // A repeat changes nothing. Anybody may send it, and must not be able to fill the log with it.
    if (of !== 'left') return of;
    const detail = { node_key: nodeKey, expires_at: expiresAt.toISOString() };
    await recordAudit(tx, { actor: wallet, ip, requestId, action: 'provider.delegate', target: providerId, detail });
    return of;
  });
  if (outcome === 'full') {
    const minutes = firstUseSkewS / 60;
    throw new BrokerError('quota_exceeded', `too many wallets wait for this machine: try again in ${minutes} minutes`);
  }
  return { wallet, nodeKey, expiresAt, goodUntil };

  async function verified(of: ProviderVerifierDeps, given: { providerId: string; reg: string; regsig: string }) {
    try {
      return await accepted(of, given, now());
    } catch (error) {
      throw error instanceof MessageRejected ? rejectionError(error.reason, now()) : error;
    }
  }
}

/** @throws MessageRejected as the registration would. */
async function accepted(
  deps: ProviderVerifierDeps,
  { providerId, reg, regsig }: { providerId: string; reg: string; regsig: string },
  nowMs: number,
): Promise<SignedDelegation> {
  const message = readDelegation(reg);
  if (message === undefined) throw new MessageRejected('delegation_malformed');
  if (ownerSignatureProblem(regsig) !== undefined) throw new MessageRejected('signature_malformed');
  requireOwner((await providerRecords(deps.pool, [providerId])).get(providerId)!, message.wallet);
  const delegation = await verifyDelegation(deps, message, regsig as Hex, { providerId, nowMs });
  const window = firstUseWindow(nowMs);
  const rejected = await acceptDelegation(deps.pool, delegation, { ...window, now: new Date(nowMs), dryRun: true });
  if (rejected !== undefined) throw new MessageRejected(rejected);
  // A delegation that was used may be sent again by its machine; but nothing is left to wait for.
  if (delegation.issuedAt < window.issuedAfter) throw new MessageRejected('delegation_not_fresh');
  return delegation;
}
