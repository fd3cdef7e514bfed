import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { RouteTable } from '../route-table.js';
import type { ApiState } from '../route.js';

/** Finds the rule that answers, before anything is read or checked; what has none ends here. */
export function findRoute(table: RouteTable): Middleware<ApiState> {
  return async (ctx, next) => {
    const match = table.match(ctx.method, ctx.path);
    if (match.found) {
      ctx.state.rule = match.rule;
      ctx.state.params = match.params;
      await next();
      return;
    }
    if (match.allow.length === 0) throw new BrokerError('not_found', 'no route of the API has this path');
    ctx.set('allow', match.allow.join(', '));
    if (ctx.method !== 'OPTIONS') {
      throw new BrokerError('method_not_allowed', `this path answers ${match.allow.join(', ')}`);
    }
    ctx.status = 204;
  };
}
