import { describe, expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import { CallReverted } from '../../src/chain/node-words.js';
import type { WantedCall } from '../../src/chain/outbox.js';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { findTx } from '../../src/db/chain-tx.js';
import { createLogger } from '../../src/observability/logger.js';
import { createRandom } from '../support/random.js';
import { findSecrets } from '../support/secrets.js';
import { operatorKey, roles } from '../support/vault.js';
import { until } from '../support/until.js';
import { useOutbox } from '../support/outbox-tests.js';

const logged: string[] = [];
const logger = createLogger({ LOG_LEVEL: 'info' }, 'worker', { write: (line) => void logged.push(line) });
const scene = useOutbox(logger);

const row = (call: WantedCall) => findTx(scene.database.pool, call.purpose);
const proposed = async () => Number(await scene.vault.read('proposed'));
/** A node answers before it has mined. */
const isProposed = () => until(async () => (await proposed()) === 1);
const mine = (blocks = 3) => scene.anvil.client.mine({ blocks });

describe('a call of the vault', () => {
  test('is signed and mined once, however many processes want it at once', async () => {
    const call = scene.propose(1);
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => scene.outbox().submit(call)));
    await isProposed();
    expect((await row(call))?.hashes).toHaveLength(1);
    await mine();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'final' });
    expect(await scene.outbox().submit(call)).toEqual({ status: 'final' });
  });

  test('is not final before so many blocks have followed', async () => {
    const call = scene.propose(1);
    expect(await scene.outbox().submit(call)).toEqual({ status: 'submitted' });
    await isProposed();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'mined' });
    await mine(1);
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'mined' });
    await mine(1);
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'final' });
  });

  test('that the vault would refuse is not signed at all', async () => {
    await expect(scene.outbox().submit(scene.propose(2))).rejects.toThrow(new CallReverted('Stale'));
    expect(await row(scene.propose(2))).toBeUndefined();
  });

  test('that could not be sent is sent by the next process, as it was signed', async () => {
    scene.proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'));
    const call = scene.propose(1);
    await expect(scene.outbox().submit(call)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    const signed = await row(call);
    expect(await proposed()).toBe(0);
    scene.proxy.faults(() => 'pass');
    await scene.outbox().submit(call);
    await isProposed();
    expect((await row(call))?.hashes).toEqual(signed?.hashes);
  });

  test.each(['lose answer', 'swallow', 'twice', 'hang', 'nonsense'] as const)(
    'is mined once although its node does this: %s',
    async (fault) => {
      const call = scene.propose(1);
      scene.proxy.once('eth_sendRawTransaction', fault);
      await scene
        .outbox()
        .submit(call)
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'dependency_unavailable' }));
      await scene.outbox().look(call.purpose);
      await mine();
      expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'final' });
      await isProposed();
      expect((await row(call))?.hashes).toHaveLength(1);
    },
  );

  test('whose block was taken back is sent again', async () => {
    const call = scene.propose(1);
    await scene.outbox().submit(call);
    await scene.outbox().look(call.purpose);
    await isProposed();
    await scene.anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
    expect(await proposed()).toBe(0);
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'submitted' });
    await mine();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'final' });
    await isProposed();
  });

  test('that was reverted, because the vault was paused meanwhile, is signed again', async () => {
    const call = scene.propose(1);
    const guardian = scene.anvil.accounts[roles.guardian]!;
    scene.proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'swallow' : 'pass'));
    await scene.outbox().submit(call);
    scene.proxy.faults(() => 'pass');
    await scene.vault.send(guardian, 'vault', 'pause', []);
    await scene.outbox().look(call.purpose);
    await mine();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'reverted' });
    await expect(scene.outbox().submit(call)).rejects.toThrow(new CallReverted('Paused'));
    await scene.vault.send(guardian, 'vault', 'unpause', []);
    await scene.outbox().submit(call);
    await isProposed();
    expect((await row(call))?.hashes).toHaveLength(2);
  });

  test('whose nonce somebody else used with the same key is signed with another one', async () => {
    const call = scene.propose(1);
    scene.proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'));
    await scene
      .outbox()
      .submit(call)
      .catch(() => undefined);
    scene.proxy.faults(() => 'pass');
    const operator = scene.anvil.accounts[roles.operator]!;
    const hash = await scene.anvil.client.sendTransaction({
      account: operator,
      to: operator.address,
      chain: scene.anvil.client.chain,
    });
    await scene.anvil.client.waitForTransactionReceipt({ hash });
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'submitted' });
    await mine();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'lost' });
    await scene.outbox().submit(call);
    await isProposed();
  });
});

describe('gas', () => {
  test('a call that nobody mines offers an eighth more, and whichever is mined counts', async () => {
    const call = scene.propose(1);
    await scene.anvil.client.setAutomine(false);
    await scene.outbox().submit(call);
    const before = (await row(call))!;
    await scene.outbox({}, 0).look(call.purpose);
    const after = (await row(call))!;
    expect(after.nonce).toBe(before.nonce);
    expect(after.hashes).toHaveLength(2);
    const most = (tx: typeof before) => (tx.fee as { maxFeePerGas: bigint }).maxFeePerGas;
    expect(most(after) * 8n).toBeGreaterThanOrEqual(most(before) * 9n);
    await mine();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'final' });
    await isProposed();
  });

  test('that is dearer than allowed is waited for, which is said', async () => {
    const call = scene.propose(1);
    expect(await scene.outbox({ maxFeeWei: 1n }).submit(call)).toEqual({ status: 'lost', waitsFor: 'gas' });
    expect(await row(call)).toBeUndefined();
    await scene.anvil.client.setAutomine(false);
    await scene.outbox().submit(call);
    const { maxFeePerGas } = (await row(call))!.fee as { maxFeePerGas: bigint };
    expect(await scene.outbox({ maxFeeWei: maxFeePerGas }, 0).look(call.purpose)).toEqual({
      status: 'submitted',
      waitsFor: 'gas',
    });
    expect(await row(call)).toMatchObject({ waitsFor: 'gas', waitsSince: expect.any(Date) });
    await mine();
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'final' });
  });

  test('that the operator’s wallet cannot pay is said, and a coin later it goes on', async () => {
    const { address } = scene.anvil.accounts[roles.operator]!;
    const call = scene.propose(1);
    scene.proxy.faults(({ method }) =>
      method === 'eth_sendRawTransaction'
        ? { error: { code: -32_003, message: 'insufficient funds for gas * price + value' } }
        : 'pass',
    );
    expect(await scene.outbox().submit(call)).toEqual({ status: 'submitted', waitsFor: 'coin' });
    scene.proxy.faults(() => 'pass');
    expect(await scene.outbox().look(call.purpose)).toEqual({ status: 'submitted' });
    await isProposed();
    expect(await scene.anvil.client.getBalance({ address })).toBeGreaterThan(0n);
  });
});

test('a call waits for those that were signed before it, and brings them along', async () => {
  await scene.anvil.client.setAutomine(false);
  scene.proxy.once('eth_sendRawTransaction', 'swallow');
  await scene.outbox().submit(scene.propose(1));
  scene.proxy.faults(() => 'pass');
  const other = { ...scene.propose(1), purpose: 'the same once more' };
  await scene.outbox().submit(other);
  await mine();
  expect(await scene.outbox().look(other.purpose)).toEqual({ status: 'reverted' });
  expect(await row(scene.propose(1))).toMatchObject({ status: 'final' });
});

test.each([1, 2, 3])('with faults and blocks taken back at random (seed %i), each call is mined once', async (seed) => {
  const random = createRandom(seed);
  const faults = ['lose answer', 'swallow', 'twice', 'no connection', 'nonsense'] as const;
  scene.proxy.faults(({ method }) => {
    if (random.next() > 0.12) return 'pass';
    return method === 'eth_sendRawTransaction'
      ? random.pick(faults)
      : random.pick(['no connection', 'nonsense'] as const);
  });
  const first = await scene.anvil.client.getBlockNumber();
  for (let number = 1; number <= 10; number++) {
    const call = scene.propose(number);
    for (let status = ''; status !== 'final';) {
      try {
        ({ status } = await scene.outbox({}, random.next() < 0.2 ? 0 : 60).submit(call));
        if (status === 'mined' && random.next() < 0.3) {
          await scene.anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
        } else await mine(1);
      } catch (error) {
        // As a crash on that line.
        if (!(error instanceof CallReverted)) expect(error).toMatchObject({ code: 'dependency_unavailable' });
      }
    }
  }
  const events = await scene.anvil.client.getContractEvents({
    address: scene.vault.vault,
    abi: rentalVaultAbi,
    eventName: 'BatchProposed',
    fromBlock: first,
  });
  expect(events.map(({ args }) => Number(args.number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('the key stands in no row, log line or error', async () => {
  const call = scene.propose(1);
  const thrown: unknown[] = [];
  for (const fault of [
    'no connection',
    'nonsense',
    { error: { code: -32_000, message: 'unknown trouble' } },
  ] as const) {
    scene.proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? fault : 'pass'));
    await scene
      .outbox()
      .submit(call)
      .catch((error: unknown) => thrown.push(error));
  }
  expect(thrown).toHaveLength(3);
  for (const err of thrown) logger.error({ err }, 'failed');
  const { rows } = await scene.database.pool.query<{ text: string }>('select chain_tx::text as text from chain_tx');
  const texts = {
    rows: rows[0]!.text,
    log: logged.join(''),
    errors: thrown.map((error) => String((error as Error).stack)).join(),
  };
  const key: Hex = operatorKey;
  expect(findSecrets(texts, { key: key.slice(2) })).toEqual([]);
});
