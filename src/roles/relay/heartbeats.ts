import { recordHeartbeats, type Beat } from '../../db/heartbeats.js';
import type { Queryable } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { readHeartbeat, type HeartbeatMessage } from '../../domain/heartbeat.js';
import type { ProviderRefusal } from '../../domain/provider-refusals.js';
import type { ProviderVerifier } from '../../domain/provider-verdict.js';
import { heartbeatsRead } from '../../observability/metrics.js';
import type { DeadLetter } from '../../redis/streams/dead-letters.js';
import type { Receive } from '../../redis/streams/delivery.js';
import {
  arrivalMs,
  claimedProvider,
  dataOf,
  fieldsByName,
  isTooLarge,
  maxDataBytes,
  type StreamEntry,
} from '../../redis/streams/entry.js';
import { streams } from '../../wire/streams.js';
import { aheadToleranceMs } from '../../redis/streams/watchdog.js';

/** An older beat is no sign of life any more: a backlog must not bring back the dead. */
const maxAgeMs = 600_000;
/** Signatures being checked at the same time. */
const checksAtOnce = 32;
/** Beats of one batch that the database refuses by themselves. */
const maxFailures = 10;

const stream = streams.heartbeat;
const idField = /"provider_id"\s*:\s*"([^"\\]*)"/;

interface Deps {
  db: Queryable;
  verifier: ProviderVerifier;
  /** An entry's time lies in the future: its id was chosen by somebody. */
  onFuture(): void;
}

/** The newest beat of a provider that is good, and where in the batch it stands. */
interface Heard extends Beat {
  at: number;
}

/**
 * Heartbeats, thousands at a time: of each provider the newest one counts, and all of them are one statement. What makes
 * a beat a sign of life is when it reached the stream, never when it is read; its own timestamp is not looked at.
 *
 * An older beat of a provider is looked at only when the newer one is not good: then it counts, and the newer one is
 * put aside. One that a good newer beat makes void is acknowledged unread, whatever is in it.
 */
export function receiveHeartbeats(deps: Deps): Receive {
  return async (entries, redelivered) => {
    const dead: DeadLetter[] = [];
    const { newest, older, outdated } = byProvider(entries, deps, dead);
    const heard = new Map<string, Heard>();
    /** Follows one provider's beats from the newest back to a good one. */
    const choose = async (claimed: string, from: number) => {
      for (let at = from; at >= 0; at = older[at]!) {
        const entry = entries[at]!;
        const beat = readBeat(entry, dead);
        if (beat === undefined) continue;
        const { acceptsAll } = deps.verifier;
        if (!acceptsAll && !(await isGenuine(deps.verifier, entry, beat, { redelivered, dead }))) continue;
        const { providerId, telemetry } = beat;
        if ((heard.get(providerId)?.at ?? -1) < at)
          heard.set(providerId, { providerId, telemetry, at, atMs: timeOf(entry) });
        // Unless the text had another provider's name in front of its own: then it says nothing about this one.
        if (providerId === claimed) return;
      }
    };
    const waiting = newest.entries();
    const chooseNext = async () => {
      for (const [claimed, from] of waiting) await choose(claimed, from);
    };
    await Promise.all(Array.from({ length: checksAtOnce }, chooseNext));

    const unwritten: { beat: Heard; error: unknown }[] = [];
    await record(deps.db, [...heard.values()], unwritten);
    const failed = unwritten.map(({ beat, error }) => ({ entry: entries[beat.at]!, error }));
    const left = new Set([...dead, ...failed].map(({ entry }) => entry));
    const done =
      left.size === 0 ? entries.map(([id]) => id) : entries.filter((entry) => !left.has(entry)).map(([id]) => id);
    heartbeatsRead.inc({ result: 'counted' }, heard.size - failed.length);
    heartbeatsRead.inc({ result: 'outdated' }, outdated);
    heartbeatsRead.inc({ result: 'superseded' }, entries.length - heard.size - outdated - dead.length);
    return { done, dead, failed };
  };
}

/**
 * The beats of each provider as a chain through the batch: `newest` says where it begins, `older` where it goes on, -1
 * at its end. Who a beat is from is found without parsing it, from the first `"provider_id": "…"` in its text; a text
 * written otherwise is parsed.
 */
function byProvider(entries: readonly StreamEntry[], { onFuture }: Pick<Deps, 'onFuture'>, dead: DeadLetter[]) {
  const newest = new Map<string, number>();
  const older = new Int32Array(entries.length);
  const now = Date.now();
  let outdated = 0;
  let future = false;
  for (let at = 0; at < entries.length; at++) {
    const [id, fields] = entries[at]!;
    const ageMs = now - arrivalMs(id);
    if (ageMs > maxAgeMs || ageMs < -aheadToleranceMs) {
      outdated++;
      future ||= ageMs < 0;
      continue;
    }
    const data = dataOf(fields);
    const claimed = data === undefined ? undefined : (claimIn(data) ?? readBeat(entries[at]!, [])?.providerId);
    if (claimed === undefined) {
      // Reads it once more, for the reason.
      readBeat(entries[at]!, dead);
      continue;
    }
    older[at] = newest.get(claimed) ?? -1;
    newest.set(claimed, at);
  }
  if (future) onFuture();
  return { newest, older, outdated };
}

function claimIn(data: string): string | undefined {
  return idField.exec(data)?.[1];
}

/** Reads a beat; one that is not acceptable goes to `dead`. */
function readBeat(entry: StreamEntry, dead: DeadLetter[]): HeartbeatMessage | undefined {
  const data = dataOf(entry[1]);
  if (data === undefined) {
    dead.push({ entry, reason: 'invalid', detail: 'there is no field data' });
    return undefined;
  }
  if (isTooLarge(entry[1], data)) {
    dead.push({ entry, reason: 'too_large', detail: `more than ${maxDataBytes} bytes` });
    return undefined;
  }
  const beat = readHeartbeat(data);
  if (typeof beat !== 'string') return beat;
  const providerId = claimedProvider({ provider_id: claimIn(data) });
  dead.push({ entry, reason: 'invalid', detail: beat, ...(providerId === undefined ? {} : { providerId }) });
  return undefined;
}

/** What a good beat comes to when the relay that had it died, and another one read the next beat before it was given again. */
const late: ReadonlySet<ProviderRefusal> = new Set(['sequence_replayed', 'timestamp_skew']);

/** Asks who sent a beat; one that is not from who it says goes to `dead`, and one that only comes late has no effect. */
async function isGenuine(
  verifier: ProviderVerifier,
  entry: StreamEntry,
  { providerId }: HeartbeatMessage,
  { redelivered, dead }: { redelivered: boolean; dead: DeadLetter[] },
): Promise<boolean> {
  const [id, fields] = entry;
  const verdict = await verifier.verify({ stream, id, fields: fieldsByName(fields), providerId });
  if (verdict.accepted) return true;
  if (!redelivered || !late.has(verdict.reason)) dead.push({ entry, reason: verdict.reason, providerId });
  return false;
}

function timeOf([id]: StreamEntry): number {
  return Math.min(Date.now(), arrivalMs(id));
}

/**
 * Writes the beats. Should one of them make the statement fail in spite of every check, it is found by halves and the
 * others are written; where many do, something else is wrong, and none of the batch is settled.
 */
async function record(db: Queryable, beats: Heard[], failed: { beat: Heard; error: unknown }[]): Promise<void> {
  try {
    await recordHeartbeats(db, beats);
  } catch (error) {
    if ((error instanceof BrokerError && error.retryable) || failed.length >= maxFailures) throw error;
    if (beats.length === 1) {
      failed.push({ beat: beats[0]!, error });
      return;
    }
    const half = beats.length >> 1;
    await record(db, beats.slice(0, half), failed);
    await record(db, beats.slice(half), failed);
  }
}
