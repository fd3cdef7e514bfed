import type { Pool } from 'pg';
import type { ZodType } from 'zod';
import { handOver, hasUntold } from '../../db/answer-desk.js';
import { findBlockOfProvider } from '../../db/blocks.js';
import { findKept, keepRegistration, markTold, mayBeTold, type KeptMessage } from '../../db/registrations.js';
import { hasRoomForProvider } from '../../db/never-joined.js';
import { blockedError, type Block } from '../../domain/blocks.js';
import type { ProviderVerifier } from '../../domain/provider-verdict.js';
import {
  capacityAsRegistration,
  capacityUpdateSchema,
  noWallet,
  registrationSchema,
  type RegistrationRequest,
} from '../../domain/registration.js';
import { describeProblems } from '../../domain/wire.js';
import type { ProviderSignals } from '../../temporal/providers.js';
import { settleEach, type Outcome } from './outcomes.js';
import type { Rejections } from './rejections.js';
import type { Receive } from '../../redis/streams/delivery.js';
import { arrivalMs, claimedProvider, dataOf, isTooLarge, maxDataBytes, placeInMs } from '../../redis/streams/entry.js';
import { streams } from '../../wire/streams.js';
import { fieldsByName, type StreamEntry } from '../../wire/stream-entry.js';

interface Deps {
  pool: Pool;
  signals: ProviderSignals;
  verifier: ProviderVerifier;
  rejections: Rejections;
}

/**
 * Verifies registrations, stores them, and hands them over to the workers, which answer them before the provider's workflow
 * is told. If no worker does that, it signals the workflow itself, starting it if necessary. A provider with an invalid registration is told what to correct, provided that its id is readable.
 */
export function receiveRegistrations(deps: Deps): Receive {
  return (entries, redelivered) =>
    settleEach(entries, async (entry) => {
      const stream = streams.registration;
      const read = readMessage(entry, registrationSchema);
      if ('reason' in read) return await rejectUnread(deps, entry, read);
      const { providerId } = read.message;
      const kept = await keep(deps, { stream, entry, registration: read.message, redelivered });
      if (kept === 'overtaken') return 'done';
      if ('rejected' in kept) return reject(deps, { providerId, ...kept.rejected });
      return await tell(deps, kept, async () => {
        if (await handOver(deps.pool, kept.messageId)) return 'handed_over';
        await deps.signals.registrationReceived(providerId, kept.messageId, { sender: kept.sender });
        return 'done';
      });
    });
}

/** How long a capacity update waits for a registration that it may have overtaken. */
const registrationGraceMs = 60_000;

/** Does the same for capacity updates, but never starts a workflow. */
export function receiveCapacities({
  graceMs = registrationGraceMs,
  ...deps
}: Omit<Deps, 'rejections'> & { graceMs?: number | undefined }): Receive {
  return (entries, redelivered) =>
    settleEach(entries, async (entry) => {
      const stream = streams.capacity;
      const read = readMessage(entry, capacityUpdateSchema);
      if ('reason' in read) return withoutTell(read);
      const { providerId } = read.message;
      const kept = await keep(deps, { stream, entry, registration: capacityAsRegistration(read.message), redelivered });
      if (kept === 'overtaken') return 'done';
      if ('rejected' in kept) return withoutTell({ providerId, ...kept.rejected });
      return await tell(deps, kept, async () => {
        if (await deps.signals.capacityReported(providerId, kept.messageId)) return 'done';
        // The registration comes through another stream and may still be unread, even if it is older than this update.
        const isEarly = !redelivered || Date.now() - arrivalMs(entry[0]) < graceMs;
        const waits = isEarly || (await hasUntold(deps.pool, providerId));
        return waits ? 'later' : { reason: 'provider_unknown', providerId };
      });
    });
}

/**
 * Signals a message to the workflow, unless the workflow has it already, or got so many in the last minute that this
 * one has to wait. While it waits, newer messages replace it.
 */
async function tell(
  { pool }: Pick<Deps, 'pool'>,
  { messageId, untold, own, again }: Kept,
  signal: () => Promise<Outcome | 'handed_over'>,
): Promise<Outcome> {
  if (!untold && !again) return 'done';
  // The entry that created the row is redelivered, and signals whatever has replaced its message by then.
  if (untold && !(await mayBeTold(pool, messageId))) return own ? 'later' : 'done';
  const outcome = await signal();
  if (outcome === 'handed_over') return 'done';
  if (outcome === 'done') await markTold(pool, messageId);
  return outcome;
}

/** A stored message, in a row of its own or in the row of one that was waiting. */
interface Kept extends KeptMessage {
  own: boolean;
  /** True if it was stored by an earlier delivery; it is unknown whether the workflow was signalled then. */
  again: boolean;
}

/** Why an entry has no effect; `tell` is the text for the provider. */
interface Rejection {
  reason: string;
  detail?: string;
  providerId?: string;
  tell?: string;
  nextSeq?: number;
}

function readMessage<T>([, fields]: StreamEntry, schema: ZodType<T>): { message: T } | Rejection {
  const data = dataOf(fields);
  if (data === undefined) return { reason: 'invalid', detail: 'there is no field data' };
  if (isTooLarge(fields, data)) return { reason: 'too_large', detail: `more than ${maxDataBytes} bytes` };
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return { reason: 'invalid', detail: 'data is not JSON' };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { message: parsed.data };
  const detail = describeProblems(parsed.error);
  const providerId = claimedProvider(json);
  return {
    reason: 'invalid',
    detail,
    ...(providerId === undefined
      ? {}
      : { providerId, tell: `the message is invalid; correct it and publish it again: ${detail}` }),
  };
}

/**
 * Verifies the sender of a message and stores it for its workflow. A message stored by an earlier delivery is not
 * verified again: it was fresh when it arrived, and must not be rejected because an outage made it wait.
 */
async function keep(
  { pool, verifier }: Pick<Deps, 'pool' | 'verifier'>,
  message: { stream: string; entry: StreamEntry; registration: RegistrationRequest; redelivered: boolean },
): Promise<Kept | 'overtaken' | { rejected: Omit<Rejection, 'providerId'> }> {
  const { stream, registration, redelivered } = message;
  const [id, fields] = message.entry;
  const { providerId } = registration;
  // Stream and provider are part of the id: two streams may use equal ids, and a stream reuses its ids if Redis is
  // emptied.
  const messageId = `${stream}/${id}/${providerId}`;
  if (redelivered) {
    const before = await findKept(pool, messageId);
    if (before !== undefined) return { ...before, own: true, again: true };
  }
  const verdict = await verifier.verify({ stream, id, fields: fieldsByName(fields), providerId });
  if (!verdict.accepted) {
    const { accepted: _, isOvertaken, ...rejected } = verdict;
    // A newer message counts. An answer to this one would reach the provider after the newer one's.
    if (isOvertaken === true) return 'overtaken';
    return { rejected };
  }
  const block = stream === streams.registration ? await findBlockOfProvider(pool, providerId) : undefined;
  if (block !== undefined) return { rejected: blockedBy(block) };
  const wallet = verdict.wallet ?? registration.walletAddr ?? noWallet;
  const { signed } = verdict;
  if (!(await hasRoomForProvider(pool, { providerId, wallet, signed }))) return { rejected: walletIsFull };
  const kept = await keepRegistration(pool, {
    ...{ messageId, providerId, registration, wallet, signed },
    receivedAt: new Date(Math.min(Date.now(), arrivalMs(id))),
    placeInMs: placeInMs(id),
  });
  if (kept === undefined) return { rejected: tooManyWait };
  return { ...kept, own: kept.messageId === messageId, again: false };
}

const tooManyWait = {
  reason: 'rate_limited',
  detail: 'registrations of this provider under several wallets are waiting',
  tell: 'too many registrations of this provider are waiting for an answer; register again in a minute',
};
const blockedBy = (block: Block) => ({
  reason: 'blocked',
  detail: 'an operator has blocked the provider',
  tell: blockedError(block).detail,
});
const walletIsFull = {
  reason: 'quota_exceeded',
  detail: 'the wallet has too many providers that never joined',
  tell: 'the wallet has registered too many machines that never joined; join some of them or retire them',
};

function reject({ rejections }: Deps, rejection: Rejection): Outcome {
  const { providerId, tell, nextSeq } = rejection;
  if (providerId !== undefined && tell !== undefined) rejections.tell(providerId, tell, nextSeq);
  return withoutTell(rejection);
}

/** Rejects an invalid message. Its sender may be an impostor, so the verifier decides whether the provider is told. */
async function rejectUnread(deps: Deps, [, fields]: StreamEntry, rejection: Rejection): Promise<Outcome> {
  const { providerId } = rejection;
  const message = { stream: streams.registration, fields: fieldsByName(fields) };
  const isToBeTold = providerId === undefined || (await deps.verifier.mayBeTold({ ...message, providerId }));
  return isToBeTold ? reject(deps, rejection) : withoutTell(rejection);
}

function withoutTell({ reason, detail, providerId }: Rejection): Outcome {
  return {
    reason,
    ...(detail === undefined ? {} : { detail }),
    ...(providerId === undefined ? {} : { providerId }),
  };
}
