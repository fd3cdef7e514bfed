import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeFunctionData, type Hex } from 'viem';
import { CallReverted } from '../../src/chain/node-words.js';
import { createOutbox, type Outbox, type WantedCall } from '../../src/chain/outbox.js';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs } from '../../src/chain/rpc.js';
import type { ChainSettings } from '../../src/config/chain.js';
import { findTx } from '../../src/db/chain-tx.js';
import { createLogger } from '../../src/observability/logger.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { createRandom } from '../support/random.js';
import { startRpcProxy, type RpcProxy } from '../support/rpc-proxy.js';
import { findSecrets } from '../support/secrets.js';
import { deployVault, operatorKey, roles, settingsOf, type TestVault } from '../support/vault.js';

let anvil: Anvil;
let proxy: RpcProxy;
let vault: TestVault;
let database: TestDatabase;
const logged: string[] = [];
const logger = createLogger({ LOG_LEVEL: 'info' }, 'worker', { write: (line) => void logged.push(line) });

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

/** The outbox of a process; each is one of its own. */
function outbox(changed: Partial<ChainSettings> = {}, patienceS = 60): Outbox {
  const settings = settingsOf(anvil, vault, { rpcUrls: [proxy.url], finality: 2, ...changed });
  const rpcs = createRpcs({ ...settings, timeoutMs: 500 });
  return createOutbox({ settings, rpcs, pool: database.pool, logger, patienceS });
}
const propose = (number: number): WantedCall => ({
  purpose: `${vault.vault} propose:${number}`,
  to: vault.vault,
  data: encodeFunctionData({
    abi: rentalVaultAbi,
    functionName: 'propose',
    args: [BigInt(number), `0x${'7'.repeat(64)}`],
  }),
});
const row = (call: WantedCall) => findTx(database.pool, call.purpose);
const proposed = async () => Number(await vault.read('proposed'));
const mine = (blocks = 3) => anvil.client.mine({ blocks });

describe('a call of the vault', () => {
  test('is signed and mined once, however many processes want it at once', async () => {
    const call = propose(1);
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => outbox().submit(call)));
    expect(await proposed()).toBe(1);
    expect((await row(call))?.hashes).toHaveLength(1);
    await mine();
    expect(await outbox().look(call.purpose)).toEqual({ status: 'final' });
    expect(await outbox().submit(call)).toEqual({ status: 'final' });
  });

  test('is not final before so many blocks have followed', async () => {
    const call = propose(1);
    expect(await outbox().submit(call)).toEqual({ status: 'submitted' });
    expect(await outbox().look(call.purpose)).toEqual({ status: 'mined' });
    await mine(1);
    expect(await outbox().look(call.purpose)).toEqual({ status: 'mined' });
    await mine(1);
    expect(await outbox().look(call.purpose)).toEqual({ status: 'final' });
  });

  test('that the vault would refuse is not signed at all', async () => {
    await expect(outbox().submit(propose(2))).rejects.toThrow(new CallReverted('Stale'));
    expect(await row(propose(2))).toBeUndefined();
  });

  test('that could not be sent is sent by the next process, as it was signed', async () => {
    proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'));
    const call = propose(1);
    await expect(outbox().submit(call)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    const signed = await row(call);
    expect(await proposed()).toBe(0);
    proxy.faults(() => 'pass');
    await outbox().submit(call);
    expect(await proposed()).toBe(1);
    expect((await row(call))?.hashes).toEqual(signed?.hashes);
  });

  test.each(['lose answer', 'swallow', 'twice', 'hang', 'nonsense'] as const)(
    'is mined once although its node does this: %s',
    async (fault) => {
      const call = propose(1);
      proxy.once('eth_sendRawTransaction', fault);
      await outbox()
        .submit(call)
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'dependency_unavailable' }));
      await outbox().look(call.purpose);
      await mine();
      expect(await outbox().look(call.purpose)).toEqual({ status: 'final' });
      expect(await proposed()).toBe(1);
      expect((await row(call))?.hashes).toHaveLength(1);
    },
  );

  test('whose block was taken back is sent again', async () => {
    const call = propose(1);
    await outbox().submit(call);
    await outbox().look(call.purpose);
    await anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
    expect(await proposed()).toBe(0);
    expect(await outbox().look(call.purpose)).toEqual({ status: 'submitted' });
    await mine();
    expect(await outbox().look(call.purpose)).toEqual({ status: 'final' });
    expect(await proposed()).toBe(1);
  });

  test('that was reverted, because the vault was paused meanwhile, is signed again', async () => {
    const call = propose(1);
    const guardian = anvil.accounts[roles.guardian]!;
    proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'swallow' : 'pass'));
    await outbox().submit(call);
    proxy.faults(() => 'pass');
    await vault.send(guardian, 'vault', 'pause', []);
    await outbox().look(call.purpose);
    await mine();
    expect(await outbox().look(call.purpose)).toEqual({ status: 'reverted' });
    await expect(outbox().submit(call)).rejects.toThrow(new CallReverted('Paused'));
    await vault.send(guardian, 'vault', 'unpause', []);
    await outbox().submit(call);
    expect(await proposed()).toBe(1);
    expect((await row(call))?.hashes).toHaveLength(2);
  });

  test('whose nonce somebody else used with the same key is signed with another one', async () => {
    const call = propose(1);
    proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? 'no connection' : 'pass'));
    await outbox()
      .submit(call)
      .catch(() => undefined);
    proxy.faults(() => 'pass');
    const operator = anvil.accounts[roles.operator]!;
    await anvil.client.sendTransaction({ account: operator, to: operator.address, chain: anvil.client.chain });
    expect(await outbox().look(call.purpose)).toEqual({ status: 'submitted' });
    await mine();
    expect(await outbox().look(call.purpose)).toEqual({ status: 'lost' });
    await outbox().submit(call);
    expect(await proposed()).toBe(1);
  });
});

describe('gas', () => {
  test('a call that nobody mines offers an eighth more, and whichever is mined counts', async () => {
    const call = propose(1);
    await anvil.client.setAutomine(false);
    await outbox().submit(call);
    const before = (await row(call))!;
    await outbox({}, 0).look(call.purpose);
    const after = (await row(call))!;
    expect(after.nonce).toBe(before.nonce);
    expect(after.hashes).toHaveLength(2);
    const most = (tx: typeof before) => (tx.fee as { maxFeePerGas: bigint }).maxFeePerGas;
    expect(most(after) * 8n).toBeGreaterThanOrEqual(most(before) * 9n);
    await mine();
    expect(await outbox().look(call.purpose)).toEqual({ status: 'final' });
    expect(await proposed()).toBe(1);
  });

  test('that is dearer than allowed is waited for, which is said', async () => {
    const call = propose(1);
    expect(await outbox({ maxFeeWei: 1n }).submit(call)).toEqual({ status: 'lost', waitsFor: 'gas' });
    expect(await row(call)).toBeUndefined();
    await anvil.client.setAutomine(false);
    await outbox().submit(call);
    const { maxFeePerGas } = (await row(call))!.fee as { maxFeePerGas: bigint };
    expect(await outbox({ maxFeeWei: maxFeePerGas }, 0).look(call.purpose)).toEqual({
      status: 'submitted',
      waitsFor: 'gas',
    });
    expect(await row(call)).toMatchObject({ waitsFor: 'gas', waitsSince: expect.any(Date) });
    await mine();
    expect(await outbox().look(call.purpose)).toEqual({ status: 'final' });
  });

  test('that the operator’s wallet cannot pay is said, and a coin later it goes on', async () => {
    const { address } = anvil.accounts[roles.operator]!;
    const call = propose(1);
    proxy.faults(({ method }) =>
      method === 'eth_sendRawTransaction'
        ? { error: { code: -32_003, message: 'insufficient funds for gas * price + value' } }
        : 'pass',
    );
    expect(await outbox().submit(call)).toEqual({ status: 'submitted', waitsFor: 'coin' });
    proxy.faults(() => 'pass');
    expect(await outbox().look(call.purpose)).toEqual({ status: 'submitted' });
    expect(await proposed()).toBe(1);
    expect(await anvil.client.getBalance({ address })).toBeGreaterThan(0n);
  });
});

test('a call waits for those that were signed before it, and brings them along', async () => {
  await anvil.client.setAutomine(false);
  proxy.once('eth_sendRawTransaction', 'swallow');
  await outbox().submit(propose(1));
  proxy.faults(() => 'pass');
  const other = { ...propose(1), purpose: 'the same once more' };
  await outbox().submit(other);
  await mine();
  expect(await outbox().look(other.purpose)).toEqual({ status: 'reverted' });
  expect(await row(propose(1))).toMatchObject({ status: 'final' });
});

test.each([1, 2, 3])('with faults and blocks taken back at random (seed %i), each call is mined once', async (seed) => {
  const random = createRandom(seed);
  const faults = ['lose answer', 'swallow', 'twice', 'no connection', 'nonsense'] as const;
  proxy.faults(({ method }) => {
    if (random.next() > 0.12) return 'pass';
    return method === 'eth_sendRawTransaction'
      ? random.pick(faults)
      : random.pick(['no connection', 'nonsense'] as const);
  });
  const first = await anvil.client.getBlockNumber();
  for (let number = 1; number <= 10; number++) {
    const call = propose(number);
    for (let status = ''; status !== 'final';) {
      try {
        ({ status } = await outbox({}, random.next() < 0.2 ? 0 : 60).submit(call));
        if (status === 'mined' && random.next() < 0.3) {
          await anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
        } else await mine(1);
      } catch (error) {
        // As a crash on that line.
        if (!(error instanceof CallReverted)) expect(error).toMatchObject({ code: 'dependency_unavailable' });
      }
    }
  }
  const events = await anvil.client.getContractEvents({
    address: vault.vault,
    abi: rentalVaultAbi,
    eventName: 'BatchProposed',
    fromBlock: first,
  });
  expect(events.map(({ args }) => Number(args.number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('the key stands in no row, log line or error', async () => {
  const call = propose(1);
  const thrown: unknown[] = [];
  for (const fault of [
    'no connection',
    'nonsense',
    { error: { code: -32_000, message: 'unknown trouble' } },
  ] as const) {
    proxy.faults(({ method }) => (method === 'eth_sendRawTransaction' ? fault : 'pass'));
    await outbox()
      .submit(call)
      .catch((error: unknown) => thrown.push(error));
  }
  expect(thrown).toHaveLength(3);
  for (const err of thrown) logger.error({ err }, 'failed');
  const { rows } = await database.pool.query<{ text: string }>('select chain_tx::text as text from chain_tx');
  const texts = {
    rows: rows[0]!.text,
    log: logged.join(''),
    errors: thrown.map((error) => String((error as Error).stack)).join(),
  };
  const key: Hex = operatorKey;
  expect(findSecrets(texts, { key: key.slice(2) })).toEqual([]);
});
