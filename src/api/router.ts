import { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { BrokerError } from '../domain/errors.js';
import type { ApiState, RouteRule } from './route.js';

/**
 * The routes there are, each behind the same steps. What has no rule does not exist: there is no other way to attach a
 * handler, so none can be reached without the authentication, scopes and limits that its rule states.
 *
 * @param steps what every request goes through once its rule is known, before the handler.
 * @throws Error for rules that contradict each other or themselves: a mistake in the program.
 */
export function createRouter(rules: readonly RouteRule[], steps: readonly Middleware<ApiState>[]): Router<ApiState> {
  requireSound(rules);
  // Of several routes that match, the last one alone answers: `/providers/search` stands after `/providers/:id`.
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

/** Refuses a path that cannot be decoded: the router would take it as it stands. */
export const requireDecodablePath: Middleware<ApiState> = async (ctx, next) => {
  try {
    decodeURIComponent(ctx.path);
  } catch {
    throw new BrokerError('malformed_request', 'the path is not valid percent-encoded UTF-8');
  }
  await next();
};

/** Comes after the router: no rule answered. The methods that the path does answer are told, where there are any. */
export const answerUnmatched: Middleware<ApiState> = async (ctx) => {
  const { matched = [] } = ctx as unknown as { matched?: { methods: string[]; path: string }[] };
  // Where a literal path fits a parameter too, its own methods are what it is for.
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
