import type { CachedReply } from './cached-read.js';
import { acceptedCoding, codedEtag } from './codings.js';
import type { ApiContext } from './route.js';

/** Sends a cached response, compressed where the client accepts that, or 304 to a client that has it. */
export async function sendCached(ctx: ApiContext, reply: CachedReply): Promise<void> {
  ctx.state.sent = reply;
  const { isCompressible } = reply.body;
  const coding = isCompressible ? acceptedCoding(ctx) : 'identity';
  if (isCompressible) ctx.vary('accept-encoding');
  ctx.set('etag', codedEtag(reply.etag, coding));
  ctx.set('cache-control', `public, max-age=${reply.maxAgeS}`);
  ctx.set('content-type', 'application/json; charset=utf-8');
  ctx.status = 200;
  // Comparing costs a copy of all headers.
  if (ctx.headers['if-none-match'] !== undefined && ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (coding !== 'identity') ctx.set('content-encoding', coding);
  ctx.body = await reply.body.in(coding);
}
