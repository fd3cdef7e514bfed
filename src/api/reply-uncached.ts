import type { ApiContext } from './route.js';

/** Sends a response with a secret, such as a token or a join command: no cache in between may keep it. */
export function replyUncached(ctx: ApiContext, status: number, body?: object): void {
  ctx.set('cache-control', 'no-store');
  ctx.status = status;
  if (body !== undefined) ctx.body = body;
}
