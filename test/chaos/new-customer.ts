import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { login } from '../../src/client/session.js';
import type { Live } from './live.js';
import type { Customer } from './requests.js';

/**
 * Logs in a new wallet with a large spend limit, and uses a bearer token of it once. The token becomes one of the
 * secrets.
 */
export async function newCustomer(
  api: string,
  live: Live,
  secrets: Record<string, string>,
  account: PrivateKeyAccount = privateKeyToAccount(generatePrivateKey()),
): Promise<Customer> {
  const session = await login({
    api,
    account,
    spendLimit: 10n ** 24n,
    scopes: ['billing:write', 'jobs:read', 'jobs:write'],
  });
  const token = await session.token();
  secrets[`token of ${session.wallet}`] = token;
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${api}/api/v1/jobs`, { headers });
  if (reply.status !== 200) throw new Error(`a bearer token was answered ${reply.status}`);
  return { session, live };
}
