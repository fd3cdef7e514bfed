import type { CachedReply } from './cached-read.js';
import type { ApiContext } from './route.js';

/** Sends a cached response, or 304 to a client that has it. */
export function sendCached(ctx: ApiContext, reply: CachedReply): void {
  ctx.state.sent = reply;
  ctx.set('etag', reply.etag);
  ctx.set('cache-control', `public, max-age=${reply.maxAgeS}`);
  ctx.set('content-type', 'application/json; charset=utf-8');
  ctx.status = 200;
  // Comparing costs a copy of all headers.
  if (ctx.headers['if-none-match'] !== undefined && ctx.fresh) {
    ctx.status = 304;
    return;
  }
  ctx.body = reply.bytes;
}
