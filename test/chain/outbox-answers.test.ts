import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { encodeFunctionData } from 'viem';
import { createOutbox, type WantedCall } from '../../src/chain/outbox.js';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { findTx } from '../../src/db/chain-tx.js';
import { createLogger } from '../../src/observability/logger.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { startRpcProxy, type Fault, type RpcProxy } from '../support/rpc-proxy.js';
import { deployVault, settingsOf, type TestVault } from '../support/vault.js';

// What a node answers to a transaction proves nothing: whether it is in a block does.

let anvil: Anvil;
let proxy: RpcProxy;
let vault: TestVault;
let database: TestDatabase;

beforeAll(async () => {
  [anvil, database] = await Promise.all([startAnvil(), freshDatabase()]);
  proxy = await startRpcProxy(anvil.url);
});
afterAll(async () => {
  await proxy.stop();
  await Promise.all([anvil.stop(), database.close()]);
});
beforeEach(async () => {
  proxy.faults(() => 'pass');
  vault = await deployVault(anvil);
});
afterEach(async () => {
  await anvil.client.setAutomine(true);
  await anvil.client.mine({ blocks: 3 });
  await database.pool.query('truncate chain_tx');
});

function outbox(patienceS = 60) {
  const settings = settingsOf(anvil, vault, { rpcUrls: [proxy.url], finality: 2 });
  const logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker');
  const rpcs = createRpcs({ ...settings, timeoutMs: 500 });
  return createOutbox({ settings, rpcs, pool: database.pool, logger, patienceS });
}
const call = (): WantedCall => ({
  purpose: `${vault.vault} propose:1`,
  to: vault.vault,
  data: encodeFunctionData({ abi: rentalVaultAbi, functionName: 'propose', args: [1n, `0x${'7'.repeat(64)}`] }),
});
const row = async () => (await findTx(database.pool, call().purpose))!;
const refusal = (message: string): Fault => ({ error: { code: -32_000, message } });

/** It ends in a block, once, signed so many times. */
async function endsMined(signed: number): Promise<void> {
  await outbox().look(call().purpose);
  await anvil.client.mine({ blocks: 3 });
  expect(await outbox().look(call().purpose)).toEqual({ status: 'final' });
  expect(await vault.read('proposed')).toBe(1n);
  expect((await row()).hashes).toHaveLength(signed);
}

test.each<[string, Fault]>([
  ['already known', refusal('already known')],
  ['transaction already imported', refusal('Transaction already imported')],
  ['nonce too low', refusal('nonce too low: next nonce 7, tx nonce 5')],
  ['replacement transaction underpriced', refusal('replacement transaction underpriced')],
  ['a foreign hash', { result: `0x${'9'.repeat(64)}` }],
])('a node that did not take it, and says “%s”, gets it again', async (_words, fault) => {
  proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? fault : 'pass'));
  expect(await outbox().submit(call())).toEqual({ status: 'submitted' });
  expect(await vault.read('proposed')).toBe(0n);
  proxy.faults(() => 'pass');
  await endsMined(1);
});

test('a node that drops it later gets it again', async () => {
  await anvil.client.setAutomine(false);
  await outbox().submit(call());
  await anvil.client.dropTransaction({ hash: (await row()).hashes[0]! });
  await anvil.client.setAutomine(true);
  expect(await outbox().look(call().purpose)).toEqual({ status: 'submitted' });
  await endsMined(1);
});

test('a replacement whose process died before it was sent is sent by the next one, as it was signed', async () => {
  await anvil.client.setAutomine(false);
  await outbox().submit(call());
  proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'));
  await expect(outbox(0).look(call().purpose)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  const { hashes } = await row();
  expect(hashes).toHaveLength(2);
  proxy.faults(() => 'pass');
  await outbox().look(call().purpose);
  expect(await anvil.client.getTransaction({ hash: hashes[1]! })).toMatchObject({ hash: hashes[1] });
  await endsMined(2);
});

test('a receipt of another transaction is not its own', async () => {
  const { transactionHash } = await vault.send(anvil.accounts[0]!, 'token', 'mint', [anvil.accounts[0]!.address, 1n]);
  const foreign = await anvil.client.request({
    method: 'eth_getTransactionReceipt',
    params: [transactionHash],
  } as never);
  proxy.faults(({ method }) =>
    method === 'eth_getTransactionReceipt'
      ? { result: foreign }
      : method === 'eth_sendRawTransaction'
        ? 'swallow'
        : 'pass',
  );
  expect(await outbox().submit(call())).toEqual({ status: 'submitted' });
  await anvil.client.mine({ blocks: 3 });
  expect(await outbox().look(call().purpose)).toEqual({ status: 'submitted' });
  proxy.faults(() => 'pass');
  await endsMined(1);
});
