import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login } from '../../src/client/session.js';
import type { Live } from './live.js';
import type { Customer } from './requests.js';

/** Logs a new wallet in, which may spend a lot, and uses a bearer token of it once. Its token is among the secrets then. */
export async function newCustomer(api: string, live: Live, secrets: Record<string, string>): Promise<Customer> {
  const session = await login({ api, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 24n });
  const token = await session.token();
  secrets[`token of ${session.wallet}`] = token;
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${api}/api/v1/jobs`, { headers });
  if (reply.status !== 200) throw new Error(`a bearer token was answered ${reply.status}`);
  return { session, live };
}
