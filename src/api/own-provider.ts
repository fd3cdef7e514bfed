import type { SitePrices } from '../config.js';
import type { Queryable } from '../db/pool.js';
import { findProvider, type ProviderRow } from '../db/provider-reads.js';
import { BrokerError } from '../domain/errors.js';
import { principalOf } from './principal.js';
import type { ApiContext } from './route.js';

/**
 * The provider in the path, if the caller owns it or is an operator.
 *
 * @throws BrokerError `provider_not_found`, to anybody else as well.
 */
export async function ownProvider(ctx: ApiContext, db: Queryable, site: SitePrices): Promise<ProviderRow> {
  const { scopes, wallet } = principalOf(ctx);
  const provider = await findProvider(db, ctx.state.params['id']!, site);
  const isOwn = provider?.wallet === wallet || scopes.includes('admin');
  if (provider === undefined || !isOwn) {
    throw new BrokerError('provider_not_found', 'you have no provider with this id');
  }
  return provider;
}
