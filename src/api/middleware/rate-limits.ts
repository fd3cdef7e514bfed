import type { IncomingHttpHeaders } from 'node:http';
import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { Limiter, SharedLimit } from '../limiter.js';
import type { ApiState, RouteLimit } from '../route.js';

const byWallet: Record<Exclude<RouteLimit, 'proof'>, SharedLimit> = { read: 'reads', write: 'writes', jobs: 'orders' };

/**
 * Before anything else is done for a request. A neighbour at the same address may have used up what it has, so a request
 * that may prove who sends it goes on: it is answered if it does, and refused for its address if it does not.
 */
export function limitAddress(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    ctx.state.ip = ctx.ip;
    const refusal = await limiter.address(ctx.state.ip);
    if (refusal !== undefined) {
      // What a POST holds may be a proof; the rule of its route says.
      if (ctx.method !== 'POST' && !bringsCredential(ctx.headers)) throw refusal;
      ctx.state.overLimit = refusal;
    }
    try {
      await next();
    } catch (error) {
      // That nobody can be asked who it is says nothing about him.
      const isOurs = !(error instanceof BrokerError) || error.status >= 500;
      throw isOurs ? error : (ctx.state.overLimit ?? error);
    } finally {
      // Who is known is counted by who he is, and takes nothing from those around him who are not.
      if (ctx.state.proven === true) await limiter.spare(ctx.state.ip);
    }
  };
}

/** Once the rule is known, before a body is read: ends what cannot prove anything and is over the limit of its address. */
export const requireProvable: Middleware<ApiState> = async (ctx, next) => {
  const { overLimit, rule } = ctx.state;
  if (overLimit !== undefined && rule!.limit !== 'proof' && !bringsCredential(ctx.headers)) throw overLimit;
  await next();
};

/** Once it is known who asks. */
export function limitWallet(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    const { rule, principal } = ctx.state;
    if (principal !== undefined && rule!.limit !== 'proof') {
      await limiter.caller(byWallet[rule!.limit], principal.wallet);
    }
    await next();
  };
}

/** Marks a request as one of somebody who is known: the limit of its address is none of his. */
export function letThrough(state: ApiState): void {
  state.proven = true;
  delete state.overLimit;
}

/** Whether a request has what might be a credential: a token, or the signature of a session or of a provider. */
export function bringsCredential(headers: IncomingHttpHeaders): boolean {
  if (headers.authorization !== undefined) return true;
  for (const name in headers) if (name.startsWith('x-session-') || name.startsWith('x-provider-')) return true;
  return false;
}
