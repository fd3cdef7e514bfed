import type { Middleware } from 'koa';
import { keepNewest, type CachedReply } from '../cached-read.js';
import type { ApiState, RouteRule } from '../route.js';
import { sendCached } from '../send-cached.js';
import { hasBody } from './read-body.js';

/** As many as the cache behind each public route: further targets go the long way to the same replies. */
const maxTargets = 200;

/**
 * Answers a public read that was asked for in the very same words a moment ago, as a cache before the server would. It
 * stands behind the limit of the address and before the router: nothing that it leaves out can change the answer, and
 * all of it takes longer than the answer itself. Where the address is over its limit, it matters who asks.
 */
export function answerKnownReads(): Middleware<ApiState> {
  const known = new Map<string, { rule: RouteRule; reply: CachedReply }>();
  return async (ctx, next) => {
    const target = ctx.req.url ?? '';
    if (ctx.method !== 'GET' || hasBody(ctx.req) || ctx.state.overLimit !== undefined) {
      await next();
      return;
    }
    const found = known.get(target);
    if (found !== undefined && performance.now() < found.reply.freshUntilMs) {
      ctx.state.rule = found.rule;
      sendCached(ctx, found.reply);
      return;
    }
    await next();
    const { rule, sent } = ctx.state;
    if (rule !== undefined && sent !== undefined) keepNewest(known, target, { rule, reply: sent }, maxTargets);
  };
}
