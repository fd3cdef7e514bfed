import type { IncomingHttpHeaders } from 'node:http';
import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { Limiter, SharedLimit } from '../limiter.js';
import type { ApiState, RouteLimit } from '../route.js';

const byWallet: Record<Exclude<RouteLimit, 'proof'>, SharedLimit> = { read: 'reads', write: 'writes', jobs: 'orders' };

/**
 * Counts by address before any other work. Neighbours at the same address may have used up its limit, so a request that
 * may prove its sender goes on: it is answered if it does, and rejected if it does not.
 */
export function limitAddress(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    ctx.state.ip = ctx.ip;
    const refusal = await limiter.address(ctx.state.ip);
    if (refusal !== undefined) {
      // The body of a POST may contain a proof; the route's rule decides.
      if (ctx.method !== 'POST' && !bringsCredential(ctx.headers)) throw refusal;
      ctx.state.overLimit = refusal;
    }
    try {
      await next();
    } catch (error) {
      // A failure to check an identity says nothing about the caller.
      const isOurs = !(error instanceof BrokerError) || error.status >= 500;
      throw isOurs ? error : (ctx.state.overLimit ?? error);
    } finally {
      // Known callers are counted by identity and use up nothing of their address's limit.
      if (ctx.state.proven === true) await limiter.spare(ctx.state.ip);
    }
  };
}

/**
 * Once the rule is known but before the body is read, rejects requests that cannot prove anything and whose address is
 * over its limit.
 */
export const requireProvable: Middleware<ApiState> = async (ctx, next) => {
  const { overLimit, rule } = ctx.state;
  if (overLimit !== undefined && rule!.limit !== 'proof' && !bringsCredential(ctx.headers)) throw overLimit;
  await next();
};

/** Counts by identity once the caller is known. */
export function limitWallet(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    const { rule, principal } = ctx.state;
    if (principal !== undefined && rule!.limit !== 'proof') {
      await limiter.caller(byWallet[rule!.limit], principal.wallet);
    }
    await next();
  };
}

/** Marks a request as coming from a known caller, to whom the address limit does not apply. */
export function letThrough(state: ApiState): void {
  state.proven = true;
  delete state.overLimit;
}

/** Whether a request has a possible credential: a token, or the signature of a session or a provider. */
export function bringsCredential(headers: IncomingHttpHeaders): boolean {
  if (headers.authorization !== undefined) return true;
  for (const name in headers) if (name.startsWith('x-session-') || name.startsWith('x-provider-')) return true;
  return false;
}
