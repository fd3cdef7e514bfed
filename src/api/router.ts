import { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { BrokerError } from '../domain/errors.js';
import type { ApiState, RouteRule } from './route.js';

/**
 * A router for the rules, each behind the same steps. A handler can only be attached by a rule, so none can be reached
 * without the authentication, scopes and limits that its rule states.
 *
 * @param steps run for every request once its rule is known, before the handler.
 * @throws Error if rules contradict each other or themselves: a bug in the program.
 */
export function createRouter(rules: readonly RouteRule[], steps: readonly Middleware<ApiState>[]): Router<ApiState> {
  requireSound(rules);
  // Of several matching routes only the last one answers: `/providers/search` comes after `/providers/:id`.
  const router = new Router<ApiState>({ strict: true, sensitive: true, exclusive: true });
  for (const rule of [...rules].sort((a, b) => literals(a) - literals(b))) {
    const withRule: Middleware<ApiState> = async (ctx, next) => {
      ctx.state.rule = rule;
      ctx.state.params = { ...(ctx as unknown as { params: Record<string, string> }).params };
      await next();
    };
    const answer: Middleware<ApiState> = async (ctx) => await rule.handler(ctx);
    router.register(rule.path, [rule.method], [withRule, ...steps, answer]);
  }
  return router;
}

/** Refuses a path that cannot be decoded: the router would use it undecoded. */
export const requireDecodablePath: Middleware<ApiState> = async (ctx, next) => {
  try {
    decodeURIComponent(ctx.path);
  } catch {
    throw new BrokerError('malformed_request', 'the path is not valid percent-encoded UTF-8');
  }
  await next();
};

/** Runs after the router, if no rule answered. Names the methods that the path supports, if any. */
export const answerUnmatched: Middleware<ApiState> = async (ctx) => {
  const { matched = [] } = ctx as unknown as { matched?: { methods: string[]; path: string }[] };
  // If a literal path also fits a parameter, only the literal path's methods count.
  const closest = matched.at(-1)?.path;
  const methods = [...new Set(matched.filter(({ path }) => path === closest).flatMap((layer) => layer.methods))];
  if (methods.length === 0) throw new BrokerError('not_found', 'no route of the API has this path');
  const allow = [
    ...methods.filter((method) => method !== 'HEAD'),
    ...(methods.includes('HEAD') ? ['HEAD'] : []),
    'OPTIONS',
  ].join(', ');
  ctx.set('allow', allow);
  if (ctx.method !== 'OPTIONS') throw new BrokerError('method_not_allowed', `this path answers ${allow}`);
  ctx.status = 204;
};

function literals({ path }: RouteRule): number {
  return path.split('/').filter((segment) => !segment.startsWith(':')).length;
}

function requireSound(rules: readonly RouteRule[]): void {
  const known = new Set<string>();
  for (const { method, path, auth, scopes, operators } of rules) {
    const shape = `${method} ${path.replace(/:[a-z_]+/gi, ':')}`;
    if (known.has(shape)) throw new Error(`two rules for ${method} ${path}`);
    if (auth === 'none' && scopes.length > 0) throw new Error(`${path}: scopes without authentication`);
    if (operators === true && scopes.length === 0) throw new Error(`${path}: operators beside everybody`);
    known.add(shape);
  }
}
