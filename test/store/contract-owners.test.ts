import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { concat, serializeErc6492Signature, type Address, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { createContractWalletVerifier } from '../../src/auth/customers/smart-wallet.js';
import { claimProvider } from '../../src/auth/providers/approval.js';
import { contractOwners } from '../../src/auth/providers/contract-owners.js';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import { createRecover } from '../../src/auth/recover.js';
import type { ProviderVerdict } from '../../src/domain/provider-verdict.js';
import { authorizeNodeKey, providerSigner, type NodeKeyAuthorization } from '../../src/provider-agent/signer.js';
import { settleEach } from '../../src/roles/relay/outcomes.js';
import { readDelegation } from '../../src/wire/node-key-delegation.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { factory, startChain, type FakeChain } from '../support/fake-chain.js';

const audience = 'https://broker.example.com';
const config = { AUTH_AUDIENCE: audience, AUTH_CHAIN_IDS: [5, 1], PROVIDER_AUTH_MODE: 'required' as const };
const recover = createRecover();

let database: TestDatabase;
let chain: FakeChain;
let clockMs = Date.now();
const now = () => clockMs;

beforeAll(async () => {
  [database, chain] = await Promise.all([freshDatabase(), startChain()]);
});
afterEach(() => chain.faults.clear());
afterAll(async () => {
  await chain.stop();
  await database.close();
});

/** Another process of the broker: it remembers nothing of what others asked. */
const broker = ({ mayBeContract = true } = {}) =>
  createProviderVerifier({
    ...{ config, pool: database.pool, recover, now },
    ...contractOwners(database.pool, mayBeContract ? createContractWalletVerifier(chain.url) : undefined),
  });

const account = () => privateKeyToAccount(generatePrivateKey());

/** A machine whose owner is a contract, such as a company's Safe, that accepts the signatures of `signer`. */
function machine({ isDeployed = true, signer = account() } = {}) {
  const wallet: Address = `0x${randomBytes(20).toString('hex')}`;
  chain.contracts.set(wallet, { owner: signer.address, isDeployed });
  return { providerId: `p-${randomBytes(6).toString('hex')}`, nodeKey: account(), wallet, signer };
}
type Machine = ReturnType<typeof machine>;

async function delegated(
  { providerId, nodeKey, wallet, signer }: Machine,
  { by = signer, chainId = 1, wrap = (signature: Hex) => signature } = {},
): Promise<NodeKeyAuthorization> {
  const speaks = { ...by, address: wallet } as PrivateKeyAccount;
  const options = { providerId, nodeKey: nodeKey.address, audience, chainId, nowMs: clockMs };
  const { reg, regsig } = await authorizeNodeKey(speaks, options);
  return { reg, regsig: wrap(regsig) };
}

async function registration({ providerId, nodeKey, wallet }: Machine, delegation: NodeKeyAuthorization) {
  clockMs += 1;
  const data = JSON.stringify({ provider_id: providerId, wallet_addr: wallet });
  const fields = await providerSigner({ nodeKey, audience, now, delegation })('provider:registration', data);
  return { stream: 'provider:registration', providerId, id: `${clockMs}-0`, fields };
}

const reasonOf = (verdict: ProviderVerdict) => (verdict.accepted ? 'accepted' : verdict.reason);
/** A Safe joins the signatures of its owners; the fake chain looks at the first. */
const ofTwo = (signature: Hex) => concat([signature, `0x${'77'.repeat(65)}`]);

test('a contract that signed for a machine owns the provider and is paid', async () => {
  const of = machine();
  const entry = await registration(of, await delegated(of));
  expect(await broker().verify(entry)).toEqual({ accepted: true, signed: true, wallet: of.wallet });
});

test('a contract that is not deployed yet owns a provider by the signature that would deploy it', async () => {
  const of = machine({ isDeployed: false });
  const wrap = (signature: Hex) => serializeErc6492Signature({ address: factory, data: '0x', signature });
  expect(reasonOf(await broker().verify(await registration(of, await delegated(of, { wrap }))))).toBe('accepted');
});

test.each<[string, (of: Machine) => Promise<NodeKeyAuthorization>]>([
  ['that somebody else signed for', (of) => delegated(of, { by: account() })],
  ['on another chain than that of the node', (of) => delegated(of, { chainId: 5 })],
])('a contract %s does not own the provider', async (_, sign) => {
  const of = machine();
  expect(reasonOf(await broker().verify(await registration(of, await sign(of))))).toBe('delegation_unsigned');
  expect(reasonOf(await broker().verify(await registration(of, await delegated(of))))).toBe('accepted');
});

test('where contract wallets may not log in, none owns a provider, and the machine is told why', async () => {
  const of = machine();
  const two = await broker({ mayBeContract: false }).verify(
    await registration(of, await delegated(of, { wrap: ofTwo })),
  );
  expect(two).toMatchObject({ reason: 'delegation_of_contract', tell: expect.stringMatching(/no contract/) });
  const one = await broker({ mayBeContract: false }).verify(await registration(of, await delegated(of)));
  expect(reasonOf(one)).toBe('delegation_unsigned');
});

test('while the chain is away a contract’s registration waits, and is neither rejected nor in the way of others', async () => {
  const of = machine();
  const entry = await registration(of, await delegated(of));
  chain.faults.set('eth_call', 'HTTP 503');
  const verifier = broker();
  await expect(verifier.verify(entry)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  await expect(verifier.dryRun(entry)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  // Also for those who wait for somebody else's question, which is the same.
  const both = await Promise.allSettled([verifier.dryRun(entry), verifier.dryRun(entry), verifier.dryRun(entry)]);
  expect(both.map((each) => (each as { reason?: { code?: string } }).reason?.code)).toEqual(
    both.map(() => 'dependency_unavailable'),
  );
  const settled = await settleEach([[entry.id, []]], async () => {
    await verifier.verify(entry);
    return 'done';
  });
  expect(settled).toMatchObject({ later: [entry.id], failed: [] });
  chain.faults.clear();
  expect(reasonOf(await verifier.verify(entry))).toBe('accepted');
});

test('a bound provider registers again while the chain is away, and with a new delegation only when it is back', async () => {
  const of = machine();
  const delegation = await delegated(of);
  expect(reasonOf(await broker().verify(await registration(of, delegation)))).toBe('accepted');
  chain.faults.set('eth_call', 'no connection').set('eth_getCode', 'no connection');
  expect(reasonOf(await broker().verify(await registration(of, delegation)))).toBe('accepted');
  clockMs += 2_000;
  const renewed = await delegated(of);
  const again = await registration(of, renewed);
  await expect(broker().verify(again)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  // Not the signature of the first one for the second either.
  const swapped = await registration(of, { reg: renewed.reg, regsig: delegation.regsig });
  await expect(broker().verify(swapped)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  chain.faults.clear();
  expect(reasonOf(await broker().verify(again))).toBe('accepted');
});

test('the chain is asked once for a registration that is repeated while it is refused', async () => {
  const of = machine();
  const forged = await delegated(of, { by: account() });
  const verifier = broker();
  const calls = () => chain.asked.filter((method) => method === 'eth_call').length;
  const before = calls();
  for (let at = 0; at < 5; at++)
    expect(reasonOf(await verifier.verify(await registration(of, forged)))).toBe('delegation_unsigned');
  expect(calls()).toBe(before + 1);
});

test('while the chain is slow only some registrations wait for it, and the others are put off', async () => {
  const verifier = createProviderVerifier({
    ...{ config, pool: database.pool, recover, now },
    ...contractOwners(database.pool, createContractWalletVerifier(chain.url), { maxUnderWay: 2 }),
  });
  const entries = [];
  for (let at = 0; at < 3; at++) {
    const of = machine();
    entries.push(await registration(of, await delegated(of)));
  }
  const release = chain.hold();
  const verdicts = entries.map((entry) =>
    verifier.verify(entry).then(reasonOf, (error: { code: string }) => error.code),
  );
  expect(await Promise.race(verdicts)).toBe('dependency_unavailable');
  release();
  expect((await Promise.all(verdicts)).sort()).toEqual(['accepted', 'accepted', 'dependency_unavailable']);
  const last = await Promise.all(entries.map(async (entry) => reasonOf(await verifier.verify(entry))));
  expect(last).toEqual(['accepted', 'accepted', 'accepted']);
});

test('an ordinary wallet’s registration does not ask the chain', async () => {
  const signer = account();
  const of = { providerId: `p-${randomBytes(6).toString('hex')}`, nodeKey: account(), signer, wallet: signer.address };
  const before = chain.asked.length;
  const entry = await registration(of, await delegated(of));
  expect(reasonOf(await broker().verify(entry))).toBe('accepted');
  expect(chain.asked).toHaveLength(before);
});

test('a machine’s key cannot bring another contract’s consent to take a bound provider', async () => {
  const of = machine();
  await broker().verify(await registration(of, await delegated(of)));
  const thief = { ...machine(), providerId: of.providerId };
  expect(reasonOf(await broker().verify(await registration(thief, await delegated(thief))))).toBe('other_wallet');
});

test('a contract claims a provider that does not sign only by its own signature', async () => {
  const of = machine();
  const deps = {
    ...{ config: { ...config, PROVIDER_AUTH_MODE: 'permissive' as const }, pool: database.pool, recover, now },
    ...contractOwners(database.pool, createContractWalletVerifier(chain.url)),
    announceRegistration: async () => undefined,
  };
  const claim = async (by: PrivateKeyAccount) => {
    const { reg, regsig } = await delegated(of, { by });
    return await claimProvider(deps, {
      ...{ providerId: of.providerId, signature: regsig, message: readDelegation(reg)! },
      by: { actor: of.wallet.toLowerCase(), ip: '127.0.0.1', requestId: 'test' },
    });
  };
  await expect(claim(account())).rejects.toMatchObject({ code: 'delegation_invalid' });
  // The signature is accepted; nothing has registered under this name.
  await expect(claim(of.signer)).rejects.toMatchObject({ code: 'provider_not_found' });
});
