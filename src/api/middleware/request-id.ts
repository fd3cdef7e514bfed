import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { ApiState } from '../route.js';

/** What is safe in a log line and a header. */
const acceptable = /^[A-Za-z0-9_-]{8,64}$/;

/** Sets the request's id: the client's X-Request-Id if that is harmless, otherwise a new one. */
export const requestId: Middleware<ApiState> = async (ctx, next) => {
  const given = ctx.get('x-request-id');
  ctx.state.requestId = acceptable.test(given) ? given : randomUUID();
  ctx.set('x-request-id', ctx.state.requestId);
  await next();
};
