import type { Middleware } from 'koa';
import { keepNewest, type CachedReply } from '../cached-read.js';
import type { ApiState, RouteRule } from '../route.js';
import { sendCached } from '../send-cached.js';
import { hasBody } from './read-body.js';

/** The same size as the cache behind each public route; other targets take the full path to the same replies. */
const maxTargets = 200;

/**
 * Answers a public read whose exact request was answered a moment ago, like a cache in front of the server. It runs
 * after the address limit and before the router: nothing it skips could change the answer, and all of that takes longer
 * than the answer itself. If the address is over its limit, the caller's identity matters, so the request goes on.
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
      await sendCached(ctx, found.reply);
      return;
    }
    await next();
    const { rule, sent } = ctx.state;
    if (rule !== undefined && sent !== undefined) keepNewest(known, target, { rule, reply: sent }, maxTargets);
  };
}
