import { expect, test } from '@jest/globals';
import { findTx } from '../../src/db/chain-tx.js';
import type { Fault } from '../support/rpc-proxy.js';
import { useOutbox } from '../support/outbox-tests.js';

// What a node answers to a transaction proves nothing: whether it is in a block does.

const scene = useOutbox();
const call = () => scene.propose(1);
const row = async () => (await findTx(scene.database.pool, call().purpose))!;
const refusal = (message: string): Fault => ({ error: { code: -32_000, message } });

/** It ends in a block, once, signed so many times. */
async function endsMined(signed: number): Promise<void> {
  await scene.outbox().look(call().purpose);
  await scene.anvil.client.mine({ blocks: 3 });
  expect(await scene.outbox().look(call().purpose)).toEqual({ status: 'final' });
  expect(await scene.vault.read('proposed')).toBe(1n);
  expect((await row()).hashes).toHaveLength(signed);
}

test.each<[string, Fault]>([
  ['already known', refusal('already known')],
  ['transaction already imported', refusal('Transaction already imported')],
  ['nonce too low', refusal('nonce too low: next nonce 7, tx nonce 5')],
  ['replacement transaction underpriced', refusal('replacement transaction underpriced')],
  ['a foreign hash', { result: `0x${'9'.repeat(64)}` }],
])('a node that did not take it, and says “%s”, gets it again', async (_words, fault) => {
  scene.proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? fault : 'pass'));
  expect(await scene.outbox().submit(call())).toEqual({ status: 'submitted' });
  expect(await scene.vault.read('proposed')).toBe(0n);
  scene.proxy.faults(() => 'pass');
  await endsMined(1);
});

test('a node that drops it later gets it again', async () => {
  await scene.anvil.client.setAutomine(false);
  await scene.outbox().submit(call());
  await scene.anvil.client.dropTransaction({ hash: (await row()).hashes[0]! });
  await scene.anvil.client.setAutomine(true);
  expect(await scene.outbox().look(call().purpose)).toEqual({ status: 'submitted' });
  await endsMined(1);
});

test('a replacement whose process died before it was sent is sent by the next one, as it was signed', async () => {
  await scene.anvil.client.setAutomine(false);
  await scene.outbox().submit(call());
  scene.proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'));
  await expect(scene.outbox({}, 0).look(call().purpose)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  const { hashes } = await row();
  expect(hashes).toHaveLength(2);
  scene.proxy.faults(() => 'pass');
  await scene.outbox().look(call().purpose);
  expect(await scene.anvil.client.getTransaction({ hash: hashes[1]! })).toMatchObject({ hash: hashes[1] });
  await endsMined(2);
});

test('a receipt of another transaction is not its own', async () => {
  const { transactionHash } = await scene.vault.send(scene.anvil.accounts[0]!, 'token', 'mint', [
    scene.anvil.accounts[0]!.address,
    1n,
  ]);
  const foreign = await scene.anvil.client.request({
    method: 'eth_getTransactionReceipt',
    params: [transactionHash],
  } as never);
  scene.proxy.faults(({ method }) =>
    method === 'eth_getTransactionReceipt'
      ? { result: foreign }
      : method === 'eth_sendRawTransaction'
        ? 'swallow'
        : 'pass',
  );
  expect(await scene.outbox().submit(call())).toEqual({ status: 'submitted' });
  await scene.anvil.client.mine({ blocks: 3 });
  expect(await scene.outbox().look(call().purpose)).toEqual({ status: 'submitted' });
  scene.proxy.faults(() => 'pass');
  await endsMined(1);
});
