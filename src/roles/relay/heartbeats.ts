import { recordHeartbeats, type Beat } from '../../db/heartbeats.js';
import type { Queryable } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { readHeartbeat, type HeartbeatMessage } from '../../domain/heartbeat.js';
import type { ProviderVerifier } from '../../domain/provider-verdict.js';
import { heartbeatsRead } from '../../observability/metrics.js';
import type { DeadLetter } from '../../redis/streams/dead-letters.js';
import type { Receive } from '../../redis/streams/delivery.js';
import { arrivalMs, claimedProvider, dataOf, isTooLarge, maxDataBytes } from '../../redis/streams/entry.js';
import { streams } from '../../wire/streams.js';
import { aheadToleranceMs } from '../../redis/streams/watchdog.js';
import { fieldsByName, type StreamEntry } from '../../wire/stream-entry.js';

/** An older heartbeat proves nothing: a backlog must not bring a dead provider back. */
const maxAgeMs = 600_000;
/** How many signatures are verified concurrently. */
const checksAtOnce = 128;
/** How many heartbeats of one batch the database may reject before the whole batch fails. */
const maxFailures = 10;

const stream = streams.heartbeat;
const idField = /"provider_id"\s*:\s*"([^"\\]*)"/;

interface Deps {
  db: Queryable;
  verifier: ProviderVerifier;
  /** Called when an entry's time lies in the future, which means that a sender chose its id. */
  onFuture(): void;
}

/** A provider's newest valid heartbeat, with its index in the batch. */
interface Heard extends Beat {
  at: number;
}

/**
 * Records heartbeats, thousands at a time: the newest one of each provider counts, and one statement writes them all. A
 * heartbeat counts from the time it reached the stream, not from the time it is read; its own timestamp is ignored.
 *
 * An older heartbeat is read only if the provider's newer one is invalid: then the older one counts and the newer one
 * becomes a dead letter. A heartbeat superseded by a valid newer one is acknowledged unread, whatever it contains.
 */
export function receiveHeartbeats(deps: Deps): Receive {
  return async (entries, redelivered) => {
    const dead: DeadLetter[] = [];
    const { newest, older, outdated } = byProvider(entries, deps, dead);
    const heard = new Map<string, Heard>();
    /** Follows one provider's heartbeats from the newest back to a valid one. */
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
        // The text may name another provider before its own; such a heartbeat says nothing about the claimed one.
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
 * Links each provider's heartbeats through the batch: `newest` has the index of the first, and `older` the index of the
 * next, or -1 at the end. The provider is taken from the first `"provider_id": "…"` in the text, without parsing it;
 * only a text without that pattern is parsed.
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
      // Read it again to record the reason.
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

/** Parses a heartbeat; an invalid one goes to `dead`. */
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

/**
 * Verifies a heartbeat's sender. A forged one goes to `dead`. One that is only late has no effect: another relay read the
 * provider's next heartbeat before it, or its first relay died and it is redelivered when it is too old.
 */
async function isGenuine(
  verifier: ProviderVerifier,
  entry: StreamEntry,
  { providerId }: HeartbeatMessage,
  { redelivered, dead }: { redelivered: boolean; dead: DeadLetter[] },
): Promise<boolean> {
  const [id, fields] = entry;
  const verdict = await verifier.verify({ stream, id, fields: fieldsByName(fields), providerId });
  if (verdict.accepted) return true;
  const isLate = verdict.isOvertaken === true || (redelivered && verdict.reason === 'timestamp_skew');
  if (!isLate) dead.push({ entry, reason: verdict.reason, providerId });
  return false;
}

function timeOf([id]: StreamEntry): number {
  return Math.min(Date.now(), arrivalMs(id));
}

/**
 * Writes the heartbeats. If one makes the statement fail despite every check, bisection finds it and the others are
 * written. If many do, something else is wrong, and nothing of the batch is settled.
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
