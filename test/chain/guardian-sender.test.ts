import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeErrorResult, parseEther, zeroHash, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { memoryOfNow } from '../../src/guardian/memory.js';
import { createSender } from '../../src/guardian/sender.js';
import { createLogger } from '../../src/observability/logger.js';
import { anvilKeys, startAnvil, type Anvil } from '../support/anvil.js';
import { startRpcProxy, type AskedOfChain, type Fault, type RpcProxy } from '../support/rpc-proxy.js';
import { until } from '../support/until.js';
import { deployVault, roles, type TestVault } from '../support/vault.js';

// One of the two nodes lies, and the guardian does not know which one.

const gwei = 10n ** 9n;
let anvil: Anvil;
let vault: TestVault;
let nodes: RpcProxy[];
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  await anvil.client.setBalance({ address: guardian(), value: parseEther('100') });
  vault = await deployVault(anvil);
  nodes = [await startRpcProxy(anvil.url), await startRpcProxy(anvil.url)];
  await propose(1);
});
afterEach(async () => {
  await anvil.client.setAutomine(true);
  await Promise.all(nodes.map((node) => node.stop()));
});

const guardian = (): Address => anvil.accounts[roles.guardian]!.address;
const propose = (number: number) =>
  vault.send(anvil.accounts[roles.operator]!, 'vault', 'propose', [BigInt(number), `0x${'6'.repeat(64)}`]);
const isVetoed = async (number: number) => ((await vault.read('batches', [BigInt(number)])) as [Hex])[0] === zeroHash;
/** The chain mines a transaction soon after it took it. */
async function becomesVetoed(number: number): Promise<boolean> {
  for (let left = 1_000; left > 0 && !(await isVetoed(number)); left--) await sleep(20);
  return await isVetoed(number);
}

function senderOf({ maxFeeWei = 1_000n * gwei, patience = 30_000 } = {}) {
  const settings = { key: anvilKeys[roles.guardian]!, chainId: anvil.chainId, vault: vault.vault, maxFeeWei };
  const rpcs = createRpcs({ chainId: anvil.chainId, rpcUrls: nodes.map(({ url }) => url), timeoutMs: 4_000 });
  const logger = createLogger({ LOG_LEVEL: 'silent' }, 'guardian');
  return createSender({ settings, rpcs, memory: memoryOfNow(), logger, patience });
}

const hex = (value: bigint | number): Hex => `0x${value.toString(16)}`;

/** A node that says such a base fee. */
const saysBaseFee =
  (baseFee: bigint, tip: bigint) =>
  (asked: AskedOfChain): Fault => {
    if (asked.method === 'eth_maxPriorityFeePerGas') return { result: hex(tip) };
    if (asked.method !== 'eth_getBlockByNumber') return 'pass';
    return { change: (block) => ({ ...(block as object), baseFeePerGas: hex(baseFee) }) };
  };
const says =
  (method: string, fault: Fault) =>
  (asked: AskedOfChain): Fault =>
    asked.method === method ? fault : 'pass';
/** As JSON numbers, which no node has to send as hex. */
const belowNothing =
  ({ baseFee, tip, gasPrice }: { baseFee?: number; tip?: number; gasPrice?: number }) =>
  (asked: AskedOfChain): Fault => {
    if (asked.method === 'eth_maxPriorityFeePerGas') return { result: tip };
    if (asked.method === 'eth_gasPrice') return { result: gasPrice };
    if (asked.method !== 'eth_getBlockByNumber') return 'pass';
    return { change: (block) => ({ ...(block as object), baseFeePerGas: baseFee ?? null }) };
  };
const reverts = {
  code: 3,
  message: 'execution reverted',
  data: encodeErrorResult({ abi: rentalVaultAbi, errorName: 'UnknownBatch' }),
};

describe.each([0, 1])('a veto is mined at once, although node %i', (liar) => {
  test.each<[string, (asked: AskedOfChain) => Fault]>([
    ['says that far more was sent', says('eth_getTransactionCount', { result: hex(900) })],
    [
      'says that a little more was sent',
      says('eth_getTransactionCount', { change: (count) => hex(Number(count) + 3) }),
    ],
    ['says that nothing was sent yet', says('eth_getTransactionCount', { result: '0x0' })],
    ['says that gas costs nearly nothing', saysBaseFee(1n, 0n)],
    ['says that gas is too dear', saysBaseFee(5_000n * gwei, gwei)],
    ['says that a call needs hardly any gas', says('eth_estimateGas', { result: hex(21_000) })],
    ['says that a call needs more gas than a block has', says('eth_estimateGas', { result: hex(10n ** 12n) })],
    ['says that the vault would refuse it', says('eth_estimateGas', { error: reverts })],
    ['says a base fee below nothing', belowNothing({ baseFee: -1_000, tip: 5_000 })],
    ['says a tip below nothing', belowNothing({ baseFee: 1_000, tip: -5 })],
    ['says a price of gas below nothing', belowNothing({ gasPrice: -5 })],
    ['says more transactions than there are numbers', says('eth_getTransactionCount', { result: hex(2n ** 53n - 1n) })],
    ['answers nonsense', () => 'nonsense'],
    ['does not answer', () => 'hang'],
    [
      'lies about everything and forgets what it takes',
      (asked) => {
        if (asked.method === 'eth_getTransactionCount') return { result: hex(900) };
        return asked.method === 'eth_sendRawTransaction' ? 'swallow' : saysBaseFee(1n, 0n)(asked);
      },
    ],
  ])('%s', async (_, lie) => {
    // Something was sent before, so that a count of nothing is wrong.
    const hash = await anvil.client.sendTransaction({
      ...{ account: anvil.accounts[roles.guardian]!, to: guardian(), value: 1n, chain: anvil.client.chain },
    });
    await anvil.client.waitForTransactionReceipt({ hash });
    nodes[liar]!.faults(lie);
    expect(await senderOf().push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
    expect(await becomesVetoed(1)).toBe(true);
  });

  test('asks for more than the wallet has', async () => {
    await anvil.client.setBalance({ address: guardian(), value: parseEther('0.01') });
    nodes[liar]!.faults(saysBaseFee(400n * gwei, 100n * gwei));
    expect(await senderOf().push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
    expect(await becomesVetoed(1)).toBe(true);
  });
});

test.each([900n, 2n ** 40n, 2n ** 53n - 1n])(
  'several vetoes are mined, although one node says that %i were',
  async (count) => {
    nodes[0]!.faults(says('eth_getTransactionCount', { result: hex(count) }));
    await propose(2);
    await propose(3);
    const sender = senderOf();
    for (const number of [1, 2, 3]) await sender.push({ name: 'veto', number });
    expect(await Promise.all([1, 2, 3].map(becomesVetoed))).toEqual([true, true, true]);
  },
);

/** The next block costs so much, and is mined when the test says so. */
async function mineAt(baseFeePerGas: bigint): Promise<void> {
  await anvil.client.setAutomine(false);
  await anvil.client.setNextBlockBaseFeePerGas({ baseFeePerGas });
  await anvil.client.mine({ blocks: 1 });
}

test('a veto that is not mined in time is sent again for more, until it is worth its gas', async () => {
  await mineAt(10n * gwei);
  const sender = senderOf({ patience: 0 });
  expect(await sender.push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
  await mineAt(100n * gwei);
  expect(await isVetoed(1)).toBe(false);
  expect(await sender.push({ name: 'veto', number: 1 })).toMatchObject({ is: 'sent' });
  await mineAt(100n * gwei);
  expect(await becomesVetoed(1)).toBe(true);
});

test('a veto that a process sent for too little, and forgot, is replaced', async () => {
  await mineAt(10n * gwei);
  await senderOf().push({ name: 'veto', number: 1 });
  await mineAt(100n * gwei);
  expect(await isVetoed(1)).toBe(false);
  await senderOf().push({ name: 'veto', number: 1 });
  await mineAt(100n * gwei);
  expect(await becomesVetoed(1)).toBe(true);
});

test('while gas is too dear for every node, nothing is sent', async () => {
  const sender = senderOf({ maxFeeWei: 1n });
  expect(await sender.push({ name: 'veto', number: 1 })).toEqual({ is: 'gas' });
  expect(await isVetoed(1)).toBe(false);
});

test('a call that every node says the vault refuses is not sent, and the reason is said', async () => {
  expect(await senderOf().push({ name: 'veto', number: 7 })).toEqual({ is: 'refused', why: 'UnknownBatch' });
});

test('a wallet without coins is said to have none', async () => {
  await anvil.client.setBalance({ address: guardian(), value: 0n });
  nodes[0]!.faults(says('eth_getBalance', { result: hex(10n ** 20n) }));
  const sender = senderOf();
  expect(await sender.balance()).toBe(0n);
});

test('a pause is signed for no nonce that only one node names, with which it could be used later', async () => {
  nodes[0]!.faults(says('eth_getTransactionCount', { change: (count) => hex(Number(count) + 3) }));
  expect(await senderOf().push({ name: 'pause' })).toMatchObject({ is: 'sent' });
  const sent = () => nodes[1]!.asked.filter(({ method }) => method === 'eth_sendRawTransaction');
  // One node that has taken it is enough for the sender to go on.
  await until(() => sent().length > 0, { name: 'the other node gets it, too' });
  expect(sent()).toHaveLength(1);
});
