import { createHash } from 'node:crypto';
import { CodedBody } from './codings.js';

/** A response in its final bytes, kept for a moment. */
export interface CachedReply {
  body: CodedBody;
  /** Without quotes; each coding has one of its own. */
  etag: string;
  /** How long clients and caches in between may keep it. */
  maxAgeS: number;
  /** Until when it may be sent again, by `performance.now()`. */
  freshUntilMs: number;
}

/** Serialises and hashes a body, once for all clients that get it. */
export function cachedReply(body: unknown, maxAgeMs: number, readAtMs = performance.now()): CachedReply {
  const bytes = Buffer.from(JSON.stringify(body));
  const etag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return { body: new CodedBody(bytes), etag, maxAgeS: Math.floor(maxAgeMs / 1000), freshUntilMs: readAtMs + maxAgeMs };
}

type CachedRead = (key: string, load: () => Promise<unknown>) => Promise<CachedReply>;

/**
 * Serves public reads from one query per key and `maxAgeMs`: many concurrent requests share one read. A failed read is
 * not kept. The number of keys is limited because clients choose them; the oldest is dropped first.
 */
export function createCachedRead({ maxAgeMs, maxKeys }: { maxAgeMs: number; maxKeys: number }): CachedRead {
  const replies = new Map<string, CachedReply>();
  const underWay = new Map<string, Promise<CachedReply>>();

  async function read(key: string, load: () => Promise<unknown>): Promise<CachedReply> {
    try {
      // The age counts from before the query: the data is at least as new.
      const readAtMs = performance.now();
      const reply = cachedReply(await load(), maxAgeMs, readAtMs);
      keepNewest(replies, key, reply, maxKeys);
      return reply;
    } finally {
      underWay.delete(key);
    }
  }

  return async (key, load) => {
    const known = replies.get(key);
    if (known !== undefined && performance.now() < known.freshUntilMs) return known;
    const waiting = underWay.get(key);
    if (waiting !== undefined) return await waiting;
    const reading = read(key, load);
    underWay.set(key, reading);
    return await reading;
  };
}

/** Adds to a map of at most `max` entries; the oldest entry is dropped to make room. */
export function keepNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  if (map.size >= max) map.delete(map.keys().next().value!);
  map.set(key, value);
}
