import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serializeErc6492Signature, zeroAddress, type Address, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { revocationTypedData, type SessionRevocation } from '../../src/wire/session-typed-data.js';
import { audience, newWallet, type Api, type Reply } from '../support/api.js';
import { factory, startChain, type FakeChain } from '../support/fake-chain.js';
import { beginLogin, finishLogin, sendSigned, signDelegation } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const dayS = 86_400;

let replicas: Replicas;
let chain: FakeChain;
let api: Api;
beforeAll(async () => {
  [replicas, chain] = await Promise.all([startReplicas(), startChain()]);
  api = await replicas.start({
    env: { AUTH_SMART_WALLETS: 'true', AUTH_RPC_URL: chain.url, AUTH_CHAIN_IDS: '1,5', RATE_LIMIT_AUTH_FAILURES: '8' },
  });
});
afterAll(async () => {
  await api?.stop();
  await chain.stop();
  await replicas.stop();
});

/** A new contract wallet, and the key of its owner. */
function newContract(isDeployed = true): { address: Address; owner: PrivateKeyAccount } {
  const [owner, address] = [newWallet(), `0x${randomBytes(20).toString('hex')}` as const];
  chain.contracts.set(address, { owner: owner.address, isDeployed });
  return { address, owner };
}

interface Given {
  at?: Api;
  by?: PrivateKeyAccount;
  body?: object;
  wrap?: (signature: Hex) => Hex;
}

/** A contract's login, signed by its owner by default. */
async function login(contract: ReturnType<typeof newContract>, given: Given = {}) {
  const { at = api, by = contract.owner, body, wrap = (signature: Hex) => signature } = given;
  const wallet = { ...by, address: contract.address };
  const underWay = await beginLogin(at, { wallet, ...(body === undefined ? {} : { body }) });
  const signature = wrap(await signDelegation({ ...underWay, wallet: by }));
  return { reply: await finishLogin(at, underWay, { signature }), key: underWay.key };
}
const answerOf = ({ status, json }: Reply) => [status, json.code];

test('a contract wallet logs in with a signature of its owner, and its session says that it is a contract wallet', async () => {
  const contract = newContract();
  const { reply, key } = await login(contract);
  expect([reply.status, reply.json.wallet]).toEqual([201, contract.address]);
  const { json } = await sendSigned({ by: key, at: api, target: '/api/v1/auth/sessions' });
  expect(json.sessions).toMatchObject([{ wallet_kind: 'contract', chain_id: 1, live: true }]);
});

test('an ordinary wallet is not taken for a contract wallet, and logs in while the Ethereum node is away', async () => {
  chain.faults.set('eth_chainId', 'no connection').set('eth_getCode', 'no connection');
  try {
    const session = await api.login();
    const { body } = await session.request('GET', '/api/v1/auth/sessions');
    expect(body).toMatchObject({ sessions: [{ wallet_kind: 'eoa' }] });
  } finally {
    chain.faults.clear();
  }
});

test('a contract wallet that is not deployed yet logs in with the signature that would deploy it', async () => {
  const wrap = (signature: Hex) => serializeErc6492Signature({ address: factory, data: '0x', signature });
  const { reply } = await login(newContract(false), { wrap });
  expect(reply.status).toBe(201);
});

test.each<[string, (of: ReturnType<typeof newContract>) => Given]>([
  ['that somebody else signed for', () => ({ by: newWallet() })],
  ['on another chain than that of the node', () => ({ body: { chain_id: 5 } })],
  ['that would change its own code', () => ({ wrap: (signature) => `${signature}${'8010'.repeat(16)}` })],
  ['where contract wallets are not let in', () => ({ at: replicas.api })],
])('a contract wallet %s does not log in', async (_, change) => {
  const contract = newContract();
  expect(answerOf((await login(contract, change(contract))).reply)).toEqual([401, 'signature_invalid']);
  // The same contract logs in if nothing is wrong.
  expect((await login(contract)).reply.status).toBe(201);
});

test('while the Ethereum node is away a contract wallet has to wait, and its login does not count as a guess', async () => {
  const contract = newContract();
  chain.faults.set('eth_call', 'HTTP 503');
  try {
    for (let at = 0; at < 9; at++) {
      expect(answerOf((await login(contract)).reply)).toEqual([503, 'auth_backend_unavailable']);
    }
  } finally {
    chain.faults.clear();
  }
  expect((await login(contract)).reply.status).toBe(201);
});

test('a session of a contract wallet lasts a day at most, however long other sessions may last', async () => {
  const longer = { body: { ttl_seconds: dayS + 1 } };
  const { reply } = await login(newContract(), longer);
  expect(answerOf(reply)).toEqual([422, 'validation_failed']);
  expect(reply.json.errors).toMatchObject([{ field: 'message.expiresAt' }]);
  const day = await login(newContract(), { body: { ttl_seconds: dayS } });
  expect(day.reply.status).toBe(201);
  expect((await finishLogin(api, await beginLogin(api, longer))).status).toBe(201);
});

test('a contract wallet revokes its sessions by the signature of its owner, and of nobody else', async () => {
  const contract = newContract();
  const { key } = await login(contract);
  const message: SessionRevocation = {
    ...{ wallet: contract.address, sessionKey: zeroAddress, audience },
    ...{ issuedAt: Math.floor(Date.now() / 1000), nonce: `0x${randomBytes(32).toString('hex')}` },
  };
  const revoke = async (by: PrivateKeyAccount) =>
    await api.send('POST', '/api/v1/auth/revoke', {
      body: { message, chain_id: 1, signature: await by.signTypedData(revocationTypedData(message, 1)) },
    });
  expect(answerOf(await revoke(newWallet()))).toEqual([401, 'signature_invalid']);
  expect((await sendSigned({ by: key, at: api })).status).toBe(200);
  expect((await revoke(contract.owner)).status).toBe(204);
  expect((await sendSigned({ by: key, at: api })).json.code).toBe('session_revoked');
});
