import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeErrorResult, parseEther, zeroHash, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { memoryOfNow, type SendersMemory } from '../../src/guardian/memory.js';
import { createSender } from '../../src/guardian/sender.js';
import { createLogger } from '../../src/observability/logger.js';
import { anvilKeys, startAnvil, type Anvil } from '../support/anvil.js';
import { startRpcProxy, type AskedOfChain, type Fault, type RpcProxy } from '../support/rpc-proxy.js';
import { deployVault, roles, type TestVault } from '../support/vault.js';

// One of the two nodes lies again and again: what that costs, and what it holds up.

const gwei = 10n ** 9n;
let anvil: Anvil;
let vault: TestVault;
let liar: RpcProxy;
let honest: RpcProxy;
let memory: SendersMemory;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  await anvil.client.setBalance({ address: guardian(), value: parseEther('100') });
  vault = await deployVault(anvil);
  liar = await startRpcProxy(anvil.url);
  honest = await startRpcProxy(anvil.url);
  memory = memoryOfNow();
  await vault.send(anvil.accounts[roles.operator]!, 'vault', 'propose', [1n, `0x${'6'.repeat(64)}`]);
});
afterEach(async () => {
  await anvil.client.setAutomine(true);
  await Promise.all([liar, honest].map((node) => node.stop()));
});

const guardian = (): Address => anvil.accounts[roles.guardian]!.address;
const isVetoed = async (number: number) => ((await vault.read('batches', [BigInt(number)])) as [Hex])[0] === zeroHash;
/** The chain mines a transaction soon after it took it. */
async function becomesVetoed(number: number): Promise<boolean> {
  for (let left = 1_000; left > 0 && !(await isVetoed(number)); left--) await sleep(20);
  return await isVetoed(number);
}
const mined = () => anvil.client.getTransactionCount({ address: guardian() });
const balance = () => anvil.client.getBalance({ address: guardian() });

/** A process of the guardian, with what an earlier one has left. */
function senderOf({ patience = 30_000 } = {}) {
  const settings = {
    ...{ key: anvilKeys[roles.guardian]!, chainId: anvil.chainId, vault: vault.vault, maxFeeWei: 1_000n * gwei },
  };
  const rpcs = createRpcs({ chainId: anvil.chainId, rpcUrls: [liar.url, honest.url] });
  const logger = createLogger({ LOG_LEVEL: 'silent' }, 'guardian');
  return createSender({ settings, rpcs, memory, logger, patience });
}

const hex = (value: bigint | number): Hex => `0x${value.toString(16)}`;
const unknownBatch = {
  code: 3,
  message: 'execution reverted',
  data: encodeErrorResult({ abi: rentalVaultAbi, errorName: 'UnknownBatch' }),
};

/** Takes every call, and wants a tip of 900 gwei for it. */
function takesAll({ method }: AskedOfChain): Fault {
  if (method === 'eth_estimateGas') return { result: hex(50_000) };
  return method === 'eth_maxPriorityFeePerGas' ? { result: hex(900n * gwei) } : 'pass';
}

describe('a settlement that one node alone shows', () => {
  test('is vetoed once, for no more than others ask, and then waits', async () => {
    liar.faults(takesAll);
    const [before, sender] = [await mined(), senderOf({ patience: 0 })];
    const coins = await balance();
    const pushed = [];
    for (let look = 0; look < 5; look++) {
      pushed.push((await sender.push({ name: 'veto', number: 7 })).is);
      while ((await mined()) === before) await sleep(20);
    }
    expect(pushed).toEqual(['sent', 'disputed', 'disputed', 'disputed', 'disputed']);
    expect((await mined()) - before).toBe(1);
    expect(coins - (await balance())).toBeLessThan(parseEther('0.001'));
  });

  test('takes nothing from one that exists and that this node calls impossible', async () => {
    liar.faults(takesAll);
    const sender = senderOf();
    const disputed = Array.from({ length: 100 }, (_, at) => ({
      ...{ node: new URL(liar.url).host, purpose: `veto:${at + 8}`, atMs: Date.now() - 1 },
    }));
    memory.change({ disputed });
    expect(await sender.push({ name: 'veto', number: 7 })).toEqual({ is: 'disputed' });
    liar.faults(({ method }) => (method === 'eth_estimateGas' ? { error: unknownBatch } : 'pass'));
    expect(await sender.push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
    expect(await becomesVetoed(1)).toBe(true);
  });
});

test('a node that says how many were mined only once it is worth a lie is not believed', async () => {
  const sender = senderOf();
  await sender.balance();
  liar.faults(({ method }) => (method === 'eth_getTransactionCount' ? { result: hex(2n ** 40n) } : 'pass'));
  const count = await mined();
  await sender.push({ name: 'veto', number: 1 });
  expect(memory.now.sent.map(({ nonce }) => nonce)).toEqual([count]);
});

test('a wallet that has coins for what a call needs, but not for what a node says that it needs, vetoes', async () => {
  liar.faults(({ method }) => (method === 'eth_estimateGas' ? { result: hex(1_000_000) } : 'pass'));
  const { maxFeePerGas } = await anvil.client.estimateFeesPerGas();
  await anvil.client.setBalance({ address: guardian(), value: 250_000n * maxFeePerGas });
  expect(await senderOf().push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent', lacksCoin: true });
  expect(await becomesVetoed(1)).toBe(true);
});

describe('the first answer is not the only one: a veto is mined, although', () => {
  test('the node that is right about what was mined takes longer than the one that is not', async () => {
    liar.faults(({ method }) => (method === 'eth_getTransactionCount' ? { result: hex(900) } : 'pass'));
    honest.faults(({ method }) => {
      if (method !== 'eth_getTransactionCount') return 'pass';
      return { change: async (count) => (await sleep(4_000), count) };
    });
    expect(await senderOf().push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
    expect(await becomesVetoed(1)).toBe(true);
  }, 30_000);

  test('the only one that says what gas costs says that it is too dear', async () => {
    liar.faults(({ method }) => (method === 'eth_maxPriorityFeePerGas' ? { result: hex(5_000n * gwei) } : 'pass'));
    honest.faults(({ method }) => (method === 'eth_maxPriorityFeePerGas' ? 'no connection' : 'pass'));
    expect(await senderOf().push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
    expect(await becomesVetoed(1)).toBe(true);
  });

  test('the only one that says what was mined leaves out what waits: it is not forgotten', async () => {
    await anvil.client.setAutomine(false);
    const sender = senderOf();
    await sender.balance();
    await sender.push({ name: 'veto', number: 1 });
    const count = await mined();
    liar.faults(({ method }) => (method === 'eth_getTransactionCount' ? { result: hex(count + 1) } : 'pass'));
    honest.faults(({ method }) => (method === 'eth_getTransactionCount' ? 'no connection' : 'pass'));
    await sender.push({ name: 'veto', number: 1 });
    expect(memory.now.sent.map(({ nonce }) => nonce)).toEqual([count]);
  });
});

test('a node that names ever other counts leaves four nonces of a veto at most, the right one among them', async () => {
  await anvil.client.setAutomine(false);
  const sender = senderOf({ patience: 0 });
  await sender.balance();
  const count = await mined();
  for (let look = 1; look < 8; look++) {
    liar.faults(({ method }) => (method === 'eth_getTransactionCount' ? { result: hex(count + 5 * look) } : 'pass'));
    await sender.push({ name: 'veto', number: 1 });
  }
  const nonces = memory.now.sent.map(({ nonce }) => nonce);
  expect(nonces).toContain(count);
  expect(nonces.length).toBeLessThanOrEqual(4);
  await anvil.client.mine({ blocks: 1 });
  expect(await becomesVetoed(1)).toBe(true);
}, 30_000);
