import type { Middleware } from 'koa';
import type { Credentials } from '../../auth/customers/authenticate.js';
import type { Principal } from '../../auth/customers/principal.js';
import { BrokerError } from '../../domain/errors.js';
import type { ApiContext, ApiState } from '../route.js';
import { bringsCredential, letThrough } from './rate-limits.js';
import type { Scope } from '../../wire/scopes.js';

/** Identifies the caller; `undefined` without a credential; throws a `BrokerError` for an invalid one. */
export type Authenticate = (request: Credentials) => Promise<Principal | undefined>;

/** Identifies the caller and checks that its kind of credential is sufficient for the route. */
export function authentication(authenticate: Authenticate): Middleware<ApiState> {
  const whoAsks = async (ctx: ApiContext) => {
    const { bodyBytes, ip } = ctx.state;
    const principal = await authenticate({
      method: ctx.method,
      target: ctx.req.url ?? '',
      headers: ctx.headers,
      bodyBytes,
      ip,
    });
    // A claim proves nothing yet.
    if (principal !== undefined && principal.kind !== 'proof') letThrough(ctx.state);
    return principal;
  };

  return async (ctx, next) => {
    const { rule } = ctx.state;
    if (rule!.auth === 'none') {
      // The route is public, but if its address is over the limit, only known callers are answered.
      if (ctx.state.overLimit !== undefined && rule!.limit !== 'proof') {
        const principal = await whoAsks(ctx);
        if (ctx.state.overLimit !== undefined) throw ctx.state.overLimit;
        ctx.state.principal = principal!;
      } else if (rule!.knowsCallers === true && bringsCredential(ctx.headers)) {
        const principal = await whoAsks(ctx);
        if (principal !== undefined && principal.kind !== 'proof') ctx.state.principal = principal;
      }
      await next();
      return;
    }
    const principal = await whoAsks(ctx);
    if (principal === undefined) throw new BrokerError('auth_required', 'send a request signature or a bearer token');
    const proofOnly = principal.kind === 'proof';
    if (proofOnly !== (rule!.auth === 'session-proof')) {
      throw new BrokerError('auth_required', 'this route needs the credential of a session');
    }
    if (rule!.auth === 'signed' && principal.kind !== 'signed') {
      const needed = rule!.scopes.includes('admin') ? operatorsNeed : 'this route needs a request signature';
      throw new BrokerError('auth_required', `${needed}; a bearer token is not enough`);
    }
    ctx.state.principal = principal;
    ctx.set('cache-control', 'no-store');
    await next();
  };
}

/** What the routes of operators need, and how to get it. */
const operatorsNeed =
  'this needs a signed session of a wallet of ADMIN_WALLETS: log in with the scope admin (wl login --admin), and sign ' +
  'the request with the session key';

/** Rejects a principal that lacks a scope of the route, unless the route allows operators and it is one. */
export const requireScopes: Middleware<ApiState> = async (ctx, next) => {
  const { rule, principal } = ctx.state;
  const granted: readonly Scope[] = principal?.scopes ?? [];
  const byOperator = rule!.operators === true && granted.includes('admin');
  const missing = byOperator ? [] : rule!.scopes.filter((scope) => !granted.includes(scope));
  if (missing.length > 0) {
    const detail = missing.includes('admin') ? operatorsNeed : `this needs ${missing.join(', ')}`;
    throw new BrokerError('scope_denied', detail, { missing_scopes: missing });
  }
  await next();
};
