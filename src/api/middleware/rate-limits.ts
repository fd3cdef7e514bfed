import type { Middleware } from 'koa';
import { networkOf } from '../../auth/limits.js';
import type { Limiter } from '../limiter.js';
import type { ApiState } from '../route.js';

/** Before anything else is done for a request. */
export function limitAddress(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    ctx.state.ip = ctx.ip;
    await limiter.address(ctx.state.ip);
    await next();
  };
}

/** Before a body is read, for routes that decide by the address who is calling. */
export function limitStrangers(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    const { rule, ip } = ctx.state;
    // Public reads come from a cache in this process: the limit of the address is the only one they need.
    const strangers = rule!.limit === 'auth' || (rule!.auth === 'none' && rule!.limit !== 'read');
    if (strangers) await limiter.caller(rule!.limit, `${rule!.method} ${rule!.path} ${networkOf(ip)}`);
    await next();
  };
}

/** Once it is known who asks. */
export function limitWallet(limiter: Limiter): Middleware<ApiState> {
  return async (ctx, next) => {
    const { rule, principal } = ctx.state;
    if (principal !== undefined && rule!.limit !== 'auth') await limiter.caller(rule!.limit, principal.wallet);
    await next();
  };
}
