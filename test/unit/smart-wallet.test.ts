import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { serializeErc6492Signature, type Address, type Hex } from 'viem';
import { createContractWalletVerifier } from '../../src/auth/customers/smart-wallet.js';
import { inTurn } from '../../src/auth/turns.js';
import { newWallet } from '../support/api.js';
import { factory, startChain, type FakeChain, type Fault } from '../support/fake-chain.js';
import { until } from '../support/until.js';

const [owner, stranger] = [newWallet(), newWallet()];
const wallet: Address = `0x${'c0'.repeat(20)}`;
const digest: Hex = `0x${'5e'.repeat(32)}`;

let chain: FakeChain;
let verify: ReturnType<typeof createContractWalletVerifier>;
beforeEach(async () => {
  chain = await startChain({ chainId: 7 });
  chain.contracts.set(wallet, { owner: owner.address, isDeployed: true });
  verify = createContractWalletVerifier(chain.url);
});
afterEach(() => chain.stop());

const signedBy = (account: typeof owner) => account.sign({ hash: digest });
const beforeDeployment = async (account: typeof owner) =>
  serializeErc6492Signature({ address: factory, data: '0x', signature: await signedBy(account) });
const unavailable = { code: 'auth_backend_unavailable', status: 503 };

describe('a contract wallet', () => {
  test('is believed what its owner signed, and not what somebody else did', async () => {
    expect(await verify(wallet, digest, await signedBy(owner), 7)).toBe(true);
    expect(await verify(wallet, digest, await signedBy(stranger), 7)).toBe(false);
  });

  test('is asked on the chain that was signed for: on another it may belong to somebody else', async () => {
    expect(await verify(wallet, digest, await signedBy(owner), 1)).toBe(false);
    expect(chain.asked).toEqual(['eth_chainId']);
  });

  test('that is not deployed yet is believed by the signature that would deploy it', async () => {
    chain.contracts.set(wallet, { owner: owner.address, isDeployed: false });
    expect(await verify(wallet, digest, await beforeDeployment(owner), 7)).toBe(true);
    expect(await verify(wallet, digest, await beforeDeployment(stranger), 7)).toBe(false);
    expect(await verify(wallet, digest, await signedBy(owner), 7)).toBe(false);
  });

  test.each([
    { code: 3, message: 'execution reverted', data: '0x' },
    { code: -32000, message: 'out of gas' },
    { code: -32015, message: 'VM execution error.' },
  ])('that ends the call with $message has accepted nothing, and the node is not to blame', async (ends) => {
    chain.contracts.set(wallet, { owner: owner.address, isDeployed: true, ends });
    expect(await verify(wallet, digest, await signedBy(owner), 7)).toBe(false);
  });
});

test('an address without a contract is no contract wallet, whoever signed', async () => {
  const account = newWallet();
  const address = account.address.toLowerCase() as Address;
  expect(await verify(address, digest, await signedBy(account), 7)).toBe(false);
  expect(chain.asked).not.toContain('eth_call');
});

test('a signature that would change the code of an ordinary wallet is refused without asking anybody', async () => {
  const signature: Hex = `${await signedBy(owner)}${'8010'.repeat(16)}`;
  expect(await verify(wallet, digest, signature, 7)).toBe(false);
  expect(await verify(wallet, digest, signature.toUpperCase().replace('0X', '0x') as Hex, 7)).toBe(false);
  expect(chain.asked).toEqual([]);
});

describe.each(['eth_chainId', 'eth_getCode', 'eth_call'])('a node that fails at %s', (method) => {
  test.each<Fault>(['no connection', 'HTTP 503', 'overloaded', 'behind'])(
    'with "%s" says nothing about the wallet, and is asked again',
    async (fault) => {
      chain.faults.set(method, fault);
      const signature = await signedBy(owner);
      await expect(verify(wallet, digest, signature, 7)).rejects.toMatchObject(unavailable);
      chain.faults.clear();
      expect(await verify(wallet, digest, signature, 7)).toBe(true);
    },
  );
});

test('a node that is not there says nothing about the wallet', async () => {
  await chain.stop();
  await expect(verify(wallet, digest, await signedBy(owner), 7)).rejects.toMatchObject(unavailable);
  chain = await startChain();
});

test('the node is asked about four wallets at a time; a hundred wait, and room is made by whoever waits most', async () => {
  const ordinary: Address = `0x${'0e'.repeat(20)}`;
  const signature = await signedBy(stranger);
  const ask = (network: string) =>
    inTurn({ network, who: ordinary }, () => verify(ordinary, digest, signature, 7)).then(String, (error: unknown) =>
      String((error as { code?: unknown }).code),
    );
  expect(await ask('192.0.2.1')).toBe('false');
  const release = chain.hold();
  chain.asked.length = 0;
  const many = Array.from({ length: 104 }, () => ask('203.0.113.1'));
  const other = ask('198.51.100.1');
  await until(() => chain.asked.length === 4, { name: 'the node to be asked' });
  release();
  expect(await other).toBe('false');
  const answers = await Promise.all(many);
  expect(answers.filter((answer) => answer === 'rate_limited')).toHaveLength(1);
  expect(answers.filter((answer) => answer === 'false')).toHaveLength(103);
});
