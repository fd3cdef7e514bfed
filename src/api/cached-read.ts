import { createHash } from 'node:crypto';
import type { ApiContext } from './route.js';

/** A reply as it goes over the wire, kept for a moment. */
export interface CachedReply {
  bytes: Buffer;
  etag: string;
  readAtMs: number;
}

export type CachedRead = (key: string, load: () => Promise<unknown>) => Promise<CachedReply>;

/**
 * Serves public reads from one query per key and `maxAgeMs`: however many ask at once, one reads, and a body is
 * serialised and hashed once. A failed read is not kept. The number of keys is bounded because clients choose them;
 * the oldest goes first.
 */
export function createCachedRead({ maxAgeMs, maxKeys }: { maxAgeMs: number; maxKeys: number }): CachedRead {
  const replies = new Map<string, CachedReply>();
  const underWay = new Map<string, Promise<CachedReply>>();

  async function read(key: string, load: () => Promise<unknown>): Promise<CachedReply> {
    try {
      // The age counts from before the query: what it returns is at least as new.
      const readAtMs = performance.now();
      const bytes = Buffer.from(JSON.stringify(await load()));
      const reply = {
        bytes,
        etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
        readAtMs,
      };
      replies.delete(key);
      if (replies.size >= maxKeys) replies.delete(replies.keys().next().value!);
      replies.set(key, reply);
      return reply;
    } finally {
      underWay.delete(key);
    }
  }

  return async (key, load) => {
    const known = replies.get(key);
    if (known !== undefined && performance.now() - known.readAtMs < maxAgeMs) return known;
    const waiting = underWay.get(key);
    if (waiting !== undefined) return await waiting;
    const reading = read(key, load);
    underWay.set(key, reading);
    return await reading;
  };
}

/** Answers with a cached reply, or 304 to a client that has it. */
export function sendCached(ctx: ApiContext, { bytes, etag }: CachedReply, maxAgeS: number): void {
  ctx.set('etag', etag);
  ctx.set('cache-control', `public, max-age=${maxAgeS}`);
  ctx.set('content-type', 'application/json; charset=utf-8');
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  ctx.body = bytes;
}
