import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { ApiState } from '../route.js';

/** What may stand in a log line and a header as it is. */
const acceptable = /^[A-Za-z0-9_-]{8,64}$/;

/** Names the request: by the client's X-Request-Id when that is harmless, otherwise by a fresh one. */
export const requestId: Middleware<ApiState> = async (ctx, next) => {
  const given = ctx.get('x-request-id');
  ctx.state.requestId = acceptable.test(given) ? given : randomUUID();
  ctx.set('x-request-id', ctx.state.requestId);
  await next();
};
