import type { Pool } from 'pg';
import type { Hex } from 'viem';
import { acceptDelegation } from '../../db/provider-binding.js';
import {
  advanceSequence,
  lastAccepted,
  type CountedKind,
  type NumberedMessage,
  type ProviderIdentity,
  type ProviderRecord,
} from '../../db/provider-identities.js';
import { BrokerError } from '../../domain/errors.js';
import { isAhead } from '../../domain/message-number.js';
import { MessageRejected, providerRejections, type ProviderRejection } from '../../domain/provider-rejections.js';
import {
  ChainAway,
  type ProviderEntry,
  type ProviderVerdict,
  type ProviderVerifier,
} from '../../domain/provider-verdict.js';
import { noWallet } from '../../domain/registration.js';
import { streams } from '../../wire/streams.js';
import {
  firstUseWindow,
  requireOwner,
  requireSpec,
  signedByWallet,
  verifyDelegation,
  type ProviderAuthConfig,
} from './delegation.js';
import type { VerifyContractWallet } from '../customers/smart-wallet.js';
import { readEntrySignature } from './entry-signature.js';
import { createHeartbeatNumbers } from './heartbeat-numbers.js';
import { createRecordReader } from './record-reader.js';
import { anySpec, type ProviderRegistration } from '../../wire/provider-typed-data.js';
import { arrivalSkewS } from '../../wire/message-number.js';
import { compareEntryIds } from '../../wire/stream-entry.js';
import { entryDigest, type EntrySignature } from '../../wire/entry-signature.js';
import { readDelegation } from '../../wire/node-key-delegation.js';
import type { Recover } from '../../wire/recover.js';

export interface ProviderVerifierDeps {
  config: ProviderAuthConfig;
  pool: Pool;
  /** When absent, contracts cannot own providers. */
  verifyContractWallet?: VerifyContractWallet | undefined;
  /** Pass a separate one to verify whole batches at once: see `createRecover`. */
  recover: Recover;
  /** Unix milliseconds. */
  now?: () => number;
}

/** The API's variant: the message has not been appended to a stream yet. */
export interface ProviderIdentityVerifier extends ProviderVerifier {
  /**
   * Returns what `verify` would say about a message arriving now, without using anything up. Of two messages with the
   * same number, both pass here, and one is rejected when the stream is read.
   *
   * @throws BrokerError `rate_limited`, `auth_backend_unavailable`, `dependency_unavailable`
   */
  dryRun(message: Omit<ProviderEntry, 'id'>): Promise<ProviderVerdict>;
}

/** A message while it is being checked. */
interface Message extends Omit<ProviderEntry, 'id'> {
  /** Absent if nothing may be used up. */
  entryId?: string;
  arrivedAtMs: number;
}

/**
 * Decides whether a message is really from the provider it names.
 *
 * A wallet signs once that a key on the machine may speak for a provider; the key signs every message. The first
 * accepted delegation binds the provider to its wallet for good. Once a provider has signed, its unsigned messages are
 * rejected, unless verification is off altogether.
 */
export function createProviderVerifier(deps: ProviderVerifierDeps): ProviderIdentityVerifier {
  const { config, pool, recover, now = Date.now } = deps;
  const mode = config.PROVIDER_AUTH_MODE;
  const recordOf = createRecordReader(pool);
  const advanceHeartbeat = createHeartbeatNumbers(pool, now);

  return {
    acceptsAll: mode === 'off',
    async verify({ id, ...entry }) {
      try {
        return await judged({ ...entry, entryId: id, arrivedAtMs: arrivalOf(id, now()) });
      } catch (error) {
        // Too many verifications are waiting in this process; the entry is read again.
        if (!(error instanceof BrokerError) || error.code !== 'rate_limited') throw error;
        throw new BrokerError('auth_backend_unavailable', error.detail, {}, { cause: error });
      }
    },
    dryRun: (message) => judged({ ...message, arrivedAtMs: now() }),
    mayBeTold,
  };

  async function judged(message: Message): Promise<ProviderVerdict> {
    try {
      return await judge(message);
    } catch (error) {
      if (!(error instanceof MessageRejected)) throw error;
      const { reason } = error;
      const { providerId, entryId } = message;
      const last = causedByNewer.has(reason) ? await lastAccepted(pool, kindOf(message.stream), providerId) : undefined;
      if (last !== undefined && entryId !== undefined && compareEntryIds(entryId, last.entryId) < 0)
        return { accepted: false, reason, isOvertaken: true };
      // Only registrations are answered on the stream. A sender over HTTPS gets the response there, whoever it is.
      const waits = message.stream === streams.registration && entryId !== undefined;
      const tell = waits && (await mayBeTold(message)) ? { tell: providerRejections[reason].tell } : {};
      // Anyone with a timely signature holds the key or replays its holder's message; telling them reveals little more
      // than the time.
      const cure = last !== undefined && reason === 'sequence_replayed' ? { nextSeq: last.seq + 1 } : {};
      return { accepted: false, reason, ...tell, ...cure };
    }
  }

  async function mayBeTold({ stream, providerId, fields }: Omit<ProviderEntry, 'id'>): Promise<boolean> {
    if (mode === 'off') return true;
    const { identity } = await recordOf(providerId);
    if (identity?.signedAt === undefined) return true;
    const signature = readEntrySignature(fields);
    if (signature === undefined || typeof signature === 'string') return false;
    const { key, seq, ts, sig, delegation } = signature;
    // Even if the time or the number is wrong, the key is the provider's, or its owner vouches for it.
    if (key !== identity.nodeKey) {
      const reg = delegation && readDelegation(delegation.reg);
      const isOwners = reg?.wallet === identity.wallet && reg.nodeKey === key && reg.providerId === providerId;
      if (!isOwners || !(await isSigned(reg, delegation!.regsig))) return false;
    }
    const signed = { audience: config.AUTH_AUDIENCE, stream, providerId, seq, ts, data: fields['data'] ?? '' };
    return (await recover(entryDigest(signed), sig)) === key;
  }

  /** An answer is not worth waiting for the chain. */
  async function isSigned(reg: ProviderRegistration, signature: Hex): Promise<boolean> {
    try {
      return (await signedByWallet(deps, reg, signature)) !== undefined;
    } catch (error) {
      if (error instanceof ChainAway) return false;
      throw error;
    }
  }

  async function judge(message: Message): Promise<ProviderVerdict> {
    if (mode === 'off') return unsignedVerdict(message);
    const signature = readEntrySignature(message.fields);
    if (typeof signature === 'string') throw new MessageRejected('signature_malformed');
    if (signature === undefined && mode === 'required') throw new MessageRejected('signature_required');
    const record = await recordOf(message.providerId);
    if (signature === undefined) {
      requireUnsignedAllowed(message, record);
      return unsignedVerdict(message);
    }
    const wallet =
      signature.delegation !== undefined && message.stream === streams.registration
        ? await acceptDelegated(message, signature, record)
        : await acceptOfKey(message, signature, record.identity);
    return { accepted: true, signed: true, wallet };
  }

  /** Verifies a registration that contains its delegation. */
  async function acceptDelegated(message: Message, signature: EntrySignature, record: ProviderRecord): Promise<string> {
    const { reg, regsig } = signature.delegation!;
    const { providerId, entryId, arrivedAtMs, fields } = message;
    const read = readDelegation(reg);
    if (read === undefined) throw new MessageRejected('delegation_malformed');
    requireOwner(record, read.wallet);
    requireOnTime(signature, arrivedAtMs);
    await requireSignedByKey(message, signature);
    const delegation = await verifyDelegation(deps, read, regsig, {
      providerId,
      nodeKey: signature.key,
      data: fields['data'] ?? '',
      nowMs: now(),
    });
    requireWallet(message, delegation.wallet);
    const rejected = await acceptDelegation(pool, delegation, {
      ...firstUseWindow(arrivedAtMs),
      now: new Date(now()),
      // No entry has an empty id, so a used number is rejected in a dry run, too.
      message: { seq: Number(signature.seq), entryId: entryId ?? '' },
      dryRun: entryId === undefined,
    });
    if (rejected !== undefined) throw new MessageRejected(rejected);
    return delegation.wallet;
  }

  /** Verifies a message signed by the provider's key without a delegation. */
  async function acceptOfKey(
    message: Message,
    signature: EntrySignature,
    identity?: ProviderIdentity,
  ): Promise<string> {
    const { stream, providerId, entryId, arrivedAtMs, fields } = message;
    if (identity === undefined || identity.nodeKey !== signature.key) throw new MessageRejected('key_unknown');
    if (identity.expiresAt.getTime() <= now()) throw new MessageRejected('delegation_expired');
    requireOnTime(signature, arrivedAtMs);
    // An old heartbeat says nothing about now; any other message was true when it arrived, however late it is read.
    if (stream === streams.heartbeat) requireOnTime(signature, now());
    await requireSignedByKey(message, signature);
    if (stream === streams.registration) {
      requireSpec(identity.specHash, fields['data'] ?? '');
      requireWallet(message, identity.wallet);
    }
    if (stream === streams.capacity && identity.specHash !== anySpec) throw new MessageRejected('spec_pinned');
    const seq = Number(signature.seq);
    const taken =
      entryId === undefined
        ? seq > ((await lastAccepted(pool, kindOf(stream), providerId))?.seq ?? -1)
        : await advance(stream, { providerId, nodeKey: signature.key, seq, entryId });
    if (!taken) throw new MessageRejected('sequence_replayed');
    return identity.wallet;
  }

  async function advance(stream: string, message: NumberedMessage): Promise<boolean> {
    const kind = kindOf(stream);
    return kind === 'heartbeat' ? advanceHeartbeat(message) : advanceSequence(pool, kind, message, new Date(now()));
  }

  async function requireSignedByKey({ stream, providerId, fields }: Message, { key, seq, ts, sig }: EntrySignature) {
    const signed = { audience: config.AUTH_AUDIENCE, stream, providerId, seq, ts, data: fields['data'] ?? '' };
    if ((await recover(entryDigest(signed), sig)) !== key) throw new MessageRejected('signature_invalid');
  }
}

/** What a newer message of the same sender does to an older one. All are found after the signature is verified. */
const causedByNewer: ReadonlySet<ProviderRejection> = new Set([
  'sequence_replayed',
  'delegation_superseded',
  'key_revoked',
]);

function kindOf(stream: string): CountedKind {
  if (stream === streams.registration) return 'registration';
  return stream === streams.heartbeat ? 'heartbeat' : 'capacity';
}

/** Decides which messages of an unsigned provider are accepted, if any are. */
function requireUnsignedAllowed(
  { stream, fields }: Message,
  { identity, status, approved, incumbentWallet }: ProviderRecord,
): void {
  if (identity?.signedAt !== undefined) throw new MessageRejected('signature_required');
  if (stream === streams.registration) {
    const owner = identity?.wallet ?? incumbentWallet;
    if (owner !== undefined && (claimedWallet(fields) ?? noWallet) !== owner)
      throw new MessageRejected('wallet_mismatch');
    return;
  }
  const waits = status === undefined || status === 'pending' || status === 'rejected';
  if (!waits && !approved) throw new MessageRejected('approval_required');
}

function requireOnTime({ seq, ts }: EntrySignature, atMs: number): void {
  if (Math.abs(atMs / 1000 - Number(ts)) > arrivalSkewS) throw new MessageRejected('timestamp_skew');
  if (isAhead(Number(seq), Number(ts))) throw new MessageRejected('sequence_ahead');
}

function requireWallet({ fields }: Message, wallet: string): void {
  if ((claimedWallet(fields) ?? wallet) !== wallet) throw new MessageRejected('wallet_mismatch');
}

function unsignedVerdict({ stream, fields }: Message): ProviderVerdict {
  const wallet = stream === streams.registration ? claimedWallet(fields) : undefined;
  return { accepted: true, signed: false, ...(wallet === undefined ? {} : { wallet }) };
}

/** The wallet that a registration names, in lower case. Its `data` has passed validation. */
function claimedWallet(fields: Readonly<Record<string, string>>): string | undefined {
  try {
    const { wallet_addr: wallet } = JSON.parse(fields['data'] ?? '') as { wallet_addr?: unknown };
    return typeof wallet === 'string' && wallet !== '' ? wallet.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}

/** When an entry arrived, by its id. A sender has made up an id from the future. */
function arrivalOf(entryId: string, nowMs: number): number {
  const arrivedAtMs = Number(entryId.split('-')[0]);
  return Number.isFinite(arrivedAtMs) ? Math.min(arrivedAtMs, nowMs) : nowMs;
}
