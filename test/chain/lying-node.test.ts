import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeErrorResult, encodeFunctionResult, toFunctionSelector, type Hex } from 'viem';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { findBatch } from '../../src/db/batches.js';
import { findTx } from '../../src/db/chain-tx.js';
import { frozenWallets } from '../../src/db/frozen-wallets.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import type { AskedOfChain, Fault } from '../support/rpc-proxy.js';
import { createSettling, type Settling } from '../support/settling.js';
import { roles } from '../support/vault.js';

let anvil: Anvil;
let site: Settling;
let shown: ShownMetrics;
beforeAll(async () => {
  [anvil, shown] = await Promise.all([startAnvil(), showMetrics()]);
});
afterAll(() => Promise.all([anvil.stop(), shown.stop()]));
beforeEach(async () => {
  site = await createSettling(anvil, { nodes: 3 });
  await site.deposit(site.customer, 10);
  await site.rent(site.customer, 1_000);
});
afterEach(async () => {
  expect(await differingMoney(site.pool, 'everything')).toEqual([]);
  await site.close();
});

const alarms = async () => (await shown.of('broker_chain_alarms_total{kind="disagreement"}')) ?? 0;
const batch = async () => (await findBatch(site.pool, site.deps.facts, 1))!;
const selector = (name: 'execute' | 'propose' | 'batches') =>
  toFunctionSelector(rentalVaultAbi.find((item) => item.type === 'function' && item.name === name) as never);
const isCallOf = ({ method, params }: AskedOfChain, name: Parameters<typeof selector>[0]) =>
  ['eth_call', 'eth_estimateGas'].includes(method) &&
  ((params[0] as { data?: string } | undefined)?.data ?? '').startsWith(selector(name));
/** The first node is asked first, wherever one answer is enough. */
const lie = (of: (asked: AskedOfChain) => Fault, at = 0) => site.nodes[at]!.faults(of);
const tellTruth = () => lie(() => 'pass');
const refusal = (errorName: 'CapExceeded' | 'InsufficientBalance', args: readonly [Hex]): Fault => ({
  error: {
    code: 3,
    message: 'execution reverted',
    data: encodeErrorResult({ abi: rentalVaultAbi, errorName, args }),
  },
});

/** Until only the execution is left to be sent. */
async function proposed(): Promise<void> {
  await site.begin();
  for (let look = 0; look < 20; look++) {
    const said = await site.advance(1);
    if (said.is === 'under way' && said.kind === 'delay') {
      await site.wait(said);
      return;
    }
    await site.mine();
  }
  throw new Error('it was not proposed');
}

describe('one node of three', () => {
  test.each(['customer', 'guardian'] as const)(
    'that says the vault refuses a line voids no settlement and freezes nobody: it is waited for, and alarmed (%s)',
    async (victim) => {
      await proposed();
      const wallet = anvil.accounts[roles[victim]]!.address;
      for (const node of [0, 2]) {
        const before = await alarms();
        lie((asked) => (isCallOf(asked, 'execute') ? refusal('InsufficientBalance', [wallet]) : 'pass'), node);
        expect(await site.advance(1)).toMatchObject({
          ...{ is: 'under way', kind: 'nodes' },
          waitsFor: 'nodes that agree: they contradict each other about whether the vault takes a call',
        });
        expect(await alarms()).toBe(before + 1);
        lie(() => 'pass', node);
      }
      expect(await frozenWallets(site.pool, 10)).toEqual([]);
      expect(await site.settle()).toEqual({ number: 1, is: 'final' });
    },
  );

  test('that shows another state of the vault neither voids a settlement nor holds it up in silence', async () => {
    await proposed();
    const before = await alarms();
    const far = 4_102_444_800n;
    lie((asked) =>
      isCallOf(asked, 'batches')
        ? {
            result: encodeFunctionResult({
              ...{ abi: rentalVaultAbi, functionName: 'batches' },
              result: [`0x${'0'.repeat(64)}`, far, anvil.accounts[0]!.address],
            }),
          }
        : 'pass',
    );
    expect(await site.advance(1)).toMatchObject({ is: 'under way', kind: 'nodes' });
    expect(await alarms()).toBe(before + 1);
    tellTruth();
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  });

  test('that is far behind, or far ahead, is an alarm', async () => {
    await proposed();
    for (const height of ['0x1', '0xffffffff']) {
      const before = await alarms();
      await anvil.client.mine({ blocks: 300 });
      lie(({ method }) => (method === 'eth_blockNumber' ? { result: height } : 'pass'));
      expect(await site.advance(1)).toMatchObject({ is: 'under way', kind: 'nodes' });
      expect(await alarms()).toBe(before + 1);
    }
    tellTruth();
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  });

  test('that says a transaction was mined, reverted or lost ends nothing, and it is sent all the same', async () => {
    await site.begin();
    const purpose = `propose:${anvil.chainId}:${site.vault.vault}:1`;
    lie(({ method }) => (method === 'eth_sendRawTransaction' ? 'swallow' : 'pass'));
    for (const node of [1, 2])
      lie(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'), node);
    await site.advance(1);
    const { hashes } = (await findTx(site.pool, purpose))!;
    for (const node of [1, 2]) lie(() => 'pass', node);
    const at = await anvil.client.getBlock({ blockNumber: 1n });
    for (const status of ['0x1', '0x0']) {
      lie(({ method, params }) =>
        method === 'eth_getTransactionReceipt'
          ? {
              result: {
                ...{ transactionHash: params[0], blockNumber: '0x1', blockHash: at.hash, status, logs: [] },
                ...{ gasUsed: '0x1', cumulativeGasUsed: '0x1', effectiveGasPrice: '0x1', transactionIndex: '0x0' },
              },
            }
          : 'pass',
      );
      expect(await site.advance(1)).toMatchObject({ kind: 'nodes' });
      expect(await findTx(site.pool, purpose)).toMatchObject({ status: 'submitted', hashes });
    }
    lie(({ method }) => (method === 'eth_getTransactionCount' ? { result: '0xffff' } : 'pass'));
    expect(await site.advance(1)).toMatchObject({ kind: 'nodes' });
    expect(await findTx(site.pool, purpose)).toMatchObject({ status: 'submitted', hashes });
    tellTruth();
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
    expect(await findTx(site.pool, purpose)).toMatchObject({ status: 'final', hashes });
  });

  test('that counts more transactions of the operator than there are does not use up his nonces', async () => {
    const operator = anvil.accounts[roles.operator]!.address;
    const next = await anvil.client.getTransactionCount({ address: operator });
    await site.begin();
    lie(({ method }) => (method === 'eth_getTransactionCount' ? { result: '0xffff' } : 'pass'));
    expect(await site.advance(1)).toMatchObject({ kind: 'nodes' });
    tellTruth();
    await site.advance(1);
    const { rows } = await site.pool.query<{ nonce: number }>('select nonce::int from chain_tx');
    expect(rows).toEqual([{ nonce: next }]);
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  });

  test('that says too little of the gas of a call has nothing sent, which would be reverted', async () => {
    await site.begin();
    lie((asked) => (isCallOf(asked, 'propose') ? { result: asked.method === 'eth_call' ? '0x' : '0x5208' } : 'pass'));
    expect(await site.advance(1)).toMatchObject({
      kind: 'nodes',
      waitsFor: expect.stringContaining('the gas of a call'),
    });
    expect((await site.pool.query('select from chain_tx')).rowCount).toBe(0);
    tellTruth();
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  });
});

test('a refusal of which all nodes lie names no wallet that the settlement does not draw', async () => {
  await proposed();
  const stranger = anvil.accounts[roles.guardian]!.address;
  for (const node of [0, 1, 2])
    lie((asked) => (isCallOf(asked, 'execute') ? refusal('CapExceeded', [stranger]) : 'pass'), node);
  expect(await site.advance(1)).toMatchObject({ kind: 'nodes' });
  expect(await frozenWallets(site.pool, 10)).toEqual([]);
  expect(await batch()).toMatchObject({ status: 'proposed' });
  for (const node of [0, 1, 2]) lie(() => 'pass', node);
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
});

test('a refusal that no final block has is not believed yet', async () => {
  await proposed();
  const { customer } = site;
  await site.vault.send(customer, 'vault', 'requestExit', []);
  await anvil.client.increaseTime({ seconds: 604_801 });
  await site.mine();
  await site.vault.send(customer, 'vault', 'exit', [customer.address]);
  expect(await site.advance(1)).toMatchObject({
    ...{ is: 'under way', kind: 'chain' },
    waitsFor: 'a final block by which the vault answers InsufficientBalance to it',
  });
  await anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
  await site.mine();
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  expect(await frozenWallets(site.pool, 10)).toEqual([]);
});
