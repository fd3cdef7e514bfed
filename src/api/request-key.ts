import { createHash } from 'node:crypto';
import { principalOf } from './principal.js';
import type { ApiContext } from './route.js';

/** Names a request with an `Idempotency-Key` among all of them. The text itself is the client's, and stays out of the books. */
export function requestKeyOf(ctx: ApiContext): string {
  const text = `${principalOf(ctx).wallet}\n${ctx.get('idempotency-key')}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
