import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { createChainActivities } from '../../activities/chain.js';
import { resumeSettlements } from '../../src/db/batches.js';
import { ensureSchedules } from '../../src/temporal/schedules.js';
import { createVaultCommands } from '../../src/temporal/vault-commands.js';
import { askWithdrawal } from '../../src/billing/withdrawals.js';
import { withTransaction } from '../../src/db/pool.js';
import { findWithdrawal } from '../../src/db/withdrawals.js';
import { chainTaskQueue } from '../../workflows/chain-task-queue.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import type { settlementBatch } from '../../workflows/settlement-batch.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { chainEnv } from '../support/chain-site.js';
import { testConfig } from '../support/config.js';
import { receiptKey, signerWith } from '../support/receipts.js';
import { findSecrets } from '../support/secrets.js';
import { createSettling, type Settling } from '../support/settling.js';
import { freshTemporal, type TestTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { operatorKey, roles } from '../support/vault.js';

let anvil: Anvil;
let temporal: TestTemporal;
let site: Settling;
let stop: () => Promise<void>;
beforeAll(async () => {
  [anvil, temporal] = await Promise.all([startAnvil(), freshTemporal()]);
  await anvil.client.setIntervalMining({ interval: 1 });
  site = await createSettling(anvil, { batchDelayS: 15, signedWithinS: 3_600 });
  await site.deposit(site.customer, 10);
  await temporal.startWorker({});
  stop = await temporal.startWorker(createChainActivities(site.deps), { taskQueue: chainTaskQueue(taskQueue()) });
});
afterAll(async () => {
  await stop?.();
  await Promise.all([anvil.stop(), temporal.close(), site?.close()]);
});

const taskQueue = () => temporal.config.TEMPORAL_TASK_QUEUE;
type Handle = WorkflowHandle<typeof settlementBatch>;
const start = (): Promise<Handle> =>
  temporal.client.workflow.start<typeof settlementBatch>(workflowTypes.settlementBatch, {
    ...{ workflowId: `settlement-${randomUUID()}`, taskQueue: taskQueue() },
  });
/** What its page in Temporal’s UI says, and what it is found by. */
const shown = async (handle: Handle) => {
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  const { typedSearchAttributes } = await handle.describe();
  return { details: currentDetails, wait: typedSearchAttributes.get(searchAttributes.settlementWait) };
};
const untilShown = async (handle: Handle, wait: string, words: RegExp) => {
  const isShown = async () => {
    const now = await shown(handle);
    return now.wait === wait && words.test(now.details);
  };
  await until(isShown, { name: `${wait} is shown`, budgetMs: 30_000, timeoutMs: 60_000 });
};

test('a settlement that is stuck says what it waits for and since when: a node, signatures, cheaper gas, coins, the delay, a person', async () => {
  const since = String.raw`since \d{4}-\d\d-\d\dT[\d:.]+Z: waits for `;
  const operator = anvil.accounts[roles.operator]!.address;
  const coins = await anvil.client.getBalance({ address: operator });
  await site.rent(site.customer, 1_000);
  site.proxy.faults(() => 'no connection');
  const handle = await start();
  await untilShown(handle, 'nodes', new RegExp(`${since}an answer: .*does not answer`));

  const { maxFeeWei } = site.deps.settings;
  site.deps.settings.maxFeeWei = 1n;
  site.proxy.faults(() => 'pass');
  const signature = String.raw`\*\*settlement 1\*\* ${since}the signature of 1 receipt`;
  await untilShown(handle, 'receipts', new RegExp(signature));
  await signerWith(site.pool, receiptKey).sign(100);
  await untilShown(handle, 'gas', new RegExp(String.raw`\*\*settlement 1\*\* ${since}gas that costs no more`));
  site.deps.settings.maxFeeWei = maxFeeWei;
  site.proxy.faults(({ method }) =>
    method === 'eth_sendRawTransaction'
      ? { error: { code: -32_003, message: 'insufficient funds for gas * price + value' } }
      : 'pass',
  );
  await untilShown(handle, 'coin', new RegExp(`${since}coins in the operator’s wallet`));
  site.proxy.faults(() => 'pass');
  expect(await anvil.client.getBalance({ address: operator })).toBe(coins);
  await untilShown(handle, 'delay', new RegExp(`${since}the delay in which it can be vetoed, until`));
  await site.vault.send(anvil.accounts[roles.guardian]!, 'vault', 'veto', [1n]);
  expect(await handle.result()).toEqual({ number: 1, is: 'void', why: 'vetoed' });
  expect(await shown(handle)).toEqual({
    details: expect.stringContaining('vetoed; nothing is settled until an operator resumes'),
    wait: 'operator',
  });

  const next = await start();
  expect(await next.result()).toEqual({ is: 'none', why: 'vetoed' });
  expect(await shown(next)).toMatchObject({ details: expect.stringContaining('vetoed'), wait: 'operator' });
  await resumeSettlements(site.pool, site.deps.facts, { by: operator, reason: 'a rehearsal', requestKey: 'one' });
  expect(await (await start()).result()).toEqual({ number: 2, is: 'final' });
});

test('a withdrawal is signed by a workflow that keeps neither key nor signature, once however often it is asked for', async () => {
  const wallet = site.customer.address.toLowerCase() as `0x${string}`;
  const asked = { wallet, amount: 10n ** 18n, requestKey: randomUUID() };
  const { withdrawal } = await withTransaction(site.pool, (tx) =>
    askWithdrawal(tx, { ...site.deps.facts, scale: 10n ** 12n }, asked),
  );
  const commands = createVaultCommands(temporal.client, temporal.config);
  await Promise.all([commands.signWithdrawal(withdrawal.id), commands.signWithdrawal(withdrawal.id)]);
  const { signature } = (await findWithdrawal(site.pool, withdrawal.id))!;
  expect(signature).toMatch(/^0x[0-9a-f]{130}$/);
  const history = JSON.stringify(
    await temporal.client.workflow.getHandle(`withdrawal:${withdrawal.id}`).fetchHistory(),
  );
  expect(findSecrets({ history }, { key: operatorKey.slice(2), signature: signature!.slice(2) })).toEqual([]);
  await commands.signWithdrawal(withdrawal.id);
  expect(await findWithdrawal(site.pool, withdrawal.id)).toMatchObject({ signature });
});

test('a site whose chain is switched off has no Schedule that asks it', async () => {
  const ids = ['vault-watch', 'settlement'];
  const known = async () => {
    const found: string[] = [];
    for await (const { scheduleId } of temporal.client.schedule.list()) found.push(scheduleId);
    return ids.filter((id) => found.includes(id));
  };
  const describeAll = () => Promise.allSettled(ids.map((id) => temporal.client.schedule.getHandle(id).describe()));
  await ensureSchedules(temporal.client, testConfig({ ...temporal.config }, chainEnv));
  await until(async () => (await known()).length === 2, { name: 'both are there' });
  const off = testConfig({ ...temporal.config });
  await ensureSchedules(temporal.client, off);
  expect((await describeAll()).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await ensureSchedules(temporal.client, off);
});
