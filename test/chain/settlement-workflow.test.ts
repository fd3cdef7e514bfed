import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createChainActivities } from '../../activities/chain.js';
import type { Begun } from '../../src/chain/begin-settlement.js';
import type { Advanced } from '../../src/chain/settlement.js';
import { createLogger } from '../../src/observability/logger.js';
import { startChain } from '../../src/roles/worker/chain.js';
import { ensureSchedules } from '../../src/temporal/schedules.js';
import { findBatch } from '../../src/db/batches.js';
import { chainTaskQueue } from '../../workflows/chain-task-queue.js';
import type { settlementBatch } from '../../workflows/settlement-batch.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { testConfig } from '../support/config.js';
import { balances } from '../support/money.js';
import { receiptKey } from '../support/receipts.js';
import { findSecrets } from '../support/secrets.js';
import { createSettling, type Settling } from '../support/settling.js';
import { freshTemporal, type TestTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { operatorKey, roles } from '../support/vault.js';

let anvil: Anvil;
let temporal: TestTemporal;
let site: Settling;
beforeAll(async () => {
  [anvil, temporal] = await Promise.all([startAnvil(), freshTemporal()]);
  await temporal.startWorker({});
  await anvil.client.setIntervalMining({ interval: 1 });
});
afterAll(() => Promise.all([anvil.stop(), temporal.close()]));
beforeEach(() => begin(2));
/** A site with something to settle, whose vault executes a settlement so long after its proposal. */
async function begin(batchDelayS: number): Promise<void> {
  site = await createSettling(anvil, { batchDelayS });
  await site.deposit(site.customer, 10);
  await site.rent(site.customer, 4_000);
}
afterEach(() => site.close());

const taskQueue = () => temporal.config.TEMPORAL_TASK_QUEUE;
const serveChain = () =>
  temporal.startWorker(createChainActivities(site.deps), { taskQueue: chainTaskQueue(taskQueue()) });
const start = () =>
  temporal.client.workflow.start<typeof settlementBatch>(workflowTypes.settlementBatch, {
    workflowId: `settlement-${randomUUID()}`,
    taskQueue: taskQueue(),
  });
const batch = (number = 1) => findBatch(site.pool, site.deps.facts, number);
const spent = async () => ((await site.vault.read('customers', [site.customer.address])) as bigint[])[1];

test('a settlement is proposed, waits for its delay, is executed and booked, and its history has no key', async () => {
  const stop = await serveChain();
  const handle = await start();
  expect(await handle.result()).toEqual({ number: 1, is: 'final' });
  expect(await spent()).toBe(4_000_000n);
  expect(await balances(site.pool)).toMatchObject({
    [`payable ${site.provider.address.toLowerCase()}`]: 38n * 10n ** 17n,
  });
  const history = JSON.stringify(await handle.fetchHistory());
  expect(findSecrets({ history }, { key: operatorKey.slice(2) })).toEqual([]);
  await stop();
});

test('a settlement goes on where it was when its worker and its node come back', async () => {
  const stop = await serveChain();
  const handle = await start();
  await until(async () => (await site.vault.read('proposed')) === 1n, { name: 'it is proposed' });
  await stop();
  site.proxy.faults(() => 'no connection');
  const stopAgain = await serveChain();
  const isRetried = async () => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).some(({ lastFailure }) => lastFailure?.message?.includes('does not answer'));
  };
  await until(isRetried, { name: 'the failure of the node shows', budgetMs: 15_000, timeoutMs: 90_000 });
  site.proxy.faults(() => 'pass');
  expect(await handle.result()).toEqual({ number: 1, is: 'final' });
  expect(await spent()).toBe(4_000_000n);
  await stopAgain();
});

test('a settlement that is vetoed ends, another one does not begin, and a run that was ended leaves the next one its settlement', async () => {
  // Long enough for the veto to come before the execution.
  await site.close();
  await begin(60);
  const stop = await serveChain();
  const first = await start();
  await until(async () => (await batch())?.status === 'proposed', { name: 'it is known to be proposed' });
  await first.terminate('by a person');
  await site.vault.send(anvil.accounts[roles.guardian]!, 'vault', 'veto', [1n]);
  expect(await (await start()).result()).toEqual({ number: 1, is: 'void', why: 'vetoed' });
  expect(await (await start()).result()).toEqual({ is: 'none', why: 'vetoed' });
  await stop();
});

test('one that was overtaken is followed by the next one at once, and what passes by itself is waited for', async () => {
  const begun: Begun[] = [
    { none: 'no final block', why: 'events that are still to be read', againInS: 1 },
    { number: 7 },
    { none: 'no final block', why: 'the number of settlement 7, which is void, to be used up', againInS: 1 },
    { number: 8 },
  ];
  const looks: Advanced[] = [{ is: 'void', why: 'overtaken' }, { is: 'final' }];
  const steps = {
    beginSettlement: () => Promise.resolve(begun.shift()!),
    advanceSettlement: () => Promise.resolve(looks.shift()!),
  };
  const stop = await temporal.startWorker(steps, { taskQueue: chainTaskQueue(taskQueue()) });
  expect(await (await start()).result()).toEqual({ number: 8, is: 'final' });
  await stop();
});

test('a worker of a site with a chain reads the vault by its Schedule’s workflow, and other sites have none of it', async () => {
  const logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker');
  const never = new AbortController().signal;
  const scheduled = (id: string) => temporal.client.schedule.getHandle(id).describe();
  const without = testConfig({ ...temporal.config });
  await ensureSchedules(temporal.client, without);
  for (const id of ['vault-watch', 'settlement']) await expect(scheduled(id)).rejects.toThrow();
  await (
    await startChain(without, site.pool, { logger, stop: never })
  )();
  const config = testConfig(
    { ...temporal.config },
    {
      ...{ ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: site.proxy.url, BLOCKCHAIN_CHAIN_ID: String(anvil.chainId) },
      ...{ VAULT_ADDRESS: site.vault.vault, BACKEND_PRIVATE_KEY: operatorKey, CHAIN_FINALITY: '2' },
      RECEIPT_PRIVATE_KEY: receiptKey,
    },
  );
  const stop = await startChain(config, site.pool, { logger, stop: never });
  await site.deposit(site.customer, 1);
  const workflowId = `vault-watch-${randomUUID()}`;
  const watched = await temporal.client.workflow.execute(workflowTypes.vaultWatch, {
    workflowId,
    taskQueue: taskQueue(),
  });
  expect(watched).toMatchObject({ block: expect.any(Number), isBehind: expect.any(Boolean) });
  await ensureSchedules(temporal.client, config);
  for (const id of ['vault-watch', 'settlement']) expect(await scheduled(id)).toMatchObject({ scheduleId: id });
  await stop();
});
