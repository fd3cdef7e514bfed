import type { Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { delegationTypedData, type SessionDelegation } from '../../src/wire/session-typed-data.js';
import { newWallet, signedHeaders, type Api, type Reply, type RequestToSign, type SendOptions } from './api.js';

/** A delegation in the JSON form: amounts as decimal strings. */
type DelegationMessage = Omit<SessionDelegation, 'spendLimit'> & { spendLimit: string };

/** A login under way: the broker's proposal, and the two keys. */
export interface LoginUnderWay {
  wallet: PrivateKeyAccount;
  key: PrivateKeyAccount;
  chainId: number;
  message: DelegationMessage;
}

/** The steps of a login one by one, for tests that do one of them wrong. */
export async function beginLogin(
  api: Api,
  given: { wallet?: PrivateKeyAccount; key?: PrivateKeyAccount; body?: object; headers?: Record<string, string> } = {},
): Promise<LoginUnderWay> {
  const { wallet = newWallet(), key = newWallet(), body, headers = {} } = given;
  const reply = await api.send('POST', '/api/v1/auth/challenge', {
    body: { wallet: wallet.address, session_key: key.address, ...body },
    headers,
  });
  if (reply.status !== 200) throw new Error(`no challenge: ${reply.text}`);
  const { domain, message } = reply.json.typed_data;
  return { wallet, key, chainId: domain.chainId, message };
}

export async function signDelegation({ wallet, message, chainId }: Omit<LoginUnderWay, 'key'>): Promise<Hex> {
  return await wallet.signTypedData(
    delegationTypedData({ ...message, spendLimit: BigInt(message.spendLimit) }, chainId),
  );
}

/** Sends the registration, signed by the session key. */
export async function finishLogin(
  api: Api,
  login: LoginUnderWay,
  { signature, headers }: { signature?: Hex } & Pick<SendOptions, 'headers'> = {},
): Promise<Reply> {
  const target = '/api/v1/auth/sessions';
  const body = {
    message: login.message,
    chain_id: login.chainId,
    signature: signature ?? (await signDelegation(login)),
  };
  const proof = await signedHeaders(login.key, { method: 'POST', target, body });
  return await api.send('POST', target, { body, headers: { ...proof, ...headers } });
}

/** Everything that a session's owner holds. */
export interface HeldSession {
  wallet: PrivateKeyAccount;
  key: PrivateKeyAccount;
  id: string;
}

export async function loggedIn(api: Api): Promise<HeldSession> {
  const underWay = await beginLogin(api);
  const { json } = await finishLogin(api, underWay);
  return { wallet: underWay.wallet, key: underWay.key, id: json.session_id as string };
}

/** A request that any session may make. */
export const me = '/api/v1/auth/me';

/** Signs a request, of `me` by default, and sends it with the given faults. */
export async function sendSigned(
  { by, at, ...given }: Partial<RequestToSign> & { by: PrivateKeyAccount; at: Api },
  sent: { method?: string; target?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const toSign = { method: 'GET', target: me, ...given };
  const headers = { ...(await signedHeaders(by, toSign)), ...sent.headers };
  const body = 'body' in sent ? sent.body : toSign.body;
  return await at.send(sent.method ?? toSign.method, sent.target ?? toSign.target, { body, headers });
}

/** `sendSigned` with defaults for the signer and the API, which are computed again for each request. */
export function sendingSigned(usual: () => Pick<Parameters<typeof sendSigned>[0], 'by' | 'at'>) {
  return (request: Partial<Parameters<typeof sendSigned>[0]> = {}, sent: Parameters<typeof sendSigned>[1] = {}) =>
    sendSigned({ ...usual(), ...request }, sent);
}
