import type { ServerResponse } from 'node:http';
import type { ApiContext } from './route.js';

/** A client has to say that it reads streams: one that does not would wait for ever. */
export function wantsStream(ctx: ApiContext): boolean {
  return ctx.method === 'GET' && /(?:^|[\s,])text\/event-stream(?:[\s,;]|$)/i.test(ctx.get('accept'));
}

/** The response, its head written; undefined if the client is gone or was told that it took too long. */
export function beginStream(ctx: ApiContext): ServerResponse | undefined {
  if (ctx.res.headersSent || ctx.res.destroyed) return undefined;
  ctx.respond = false;
  ctx.status = 200;
  ctx.set('content-type', 'text/event-stream; charset=utf-8');
  // Proxies must hand over each event when it comes.
  ctx.set('cache-control', 'no-store, no-transform');
  ctx.set('x-accel-buffering', 'no');
  ctx.flushHeaders();
  return ctx.res;
}
