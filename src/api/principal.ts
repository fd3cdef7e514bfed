import type { SessionPrincipal } from '../auth/customers/principal.js';
import { BrokerError } from '../domain/errors.js';
import type { ApiContext } from './route.js';

/**
 * The caller, with everything that authentication knows.
 *
 * @throws BrokerError `auth_required` on a route that also admits unknown callers.
 */
export function principalOf(ctx: ApiContext): SessionPrincipal {
  const { principal } = ctx.state;
  if (principal === undefined || principal.kind === 'proof')
    throw new BrokerError('auth_required', 'send a credential');
  return principal;
}
