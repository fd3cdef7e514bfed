import { createHash } from 'node:crypto';

/** A reply as it goes over the wire, kept for a moment. */
export interface CachedReply {
  bytes: Buffer;
  etag: string;
  /** For how long clients and caches between us may keep it. */
  maxAgeS: number;
  /** Until when it may be sent again, by `performance.now()`. */
  freshUntilMs: number;
}

/** Serialises and hashes a body, once for all who get it. */
export function cachedReply(body: unknown, maxAgeMs: number, readAtMs = performance.now()): CachedReply {
  const bytes = Buffer.from(JSON.stringify(body));
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, etag, maxAgeS: Math.floor(maxAgeMs / 1000), freshUntilMs: readAtMs + maxAgeMs };
}

export type CachedRead = (key: string, load: () => Promise<unknown>) => Promise<CachedReply>;

/**
 * Serves public reads from one query per key and `maxAgeMs`: however many ask at once, one reads. A failed read is not
 * kept. The number of keys is bounded because clients choose them; the oldest goes first.
 */
export function createCachedRead({ maxAgeMs, maxKeys }: { maxAgeMs: number; maxKeys: number }): CachedRead {
  const replies = new Map<string, CachedReply>();
  const underWay = new Map<string, Promise<CachedReply>>();

  async function read(key: string, load: () => Promise<unknown>): Promise<CachedReply> {
    try {
      // The age counts from before the query: what it returns is at least as new.
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

/** Adds to a map of at most `max` entries, of which the one that was added first makes place. */
export function keepNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  if (map.size >= max) map.delete(map.keys().next().value!);
  map.set(key, value);
}
