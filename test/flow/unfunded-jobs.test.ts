import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createFundsComparison } from '../../activities/reconciler/funds.js';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { resumeSettlements, stopSettlements } from '../../src/db/batches.js';
import { payInAdvance } from '../../src/db/payment-mode.js';
import { withTransaction } from '../../src/db/pool.js';
import { recordVault } from '../../src/db/vaults.js';
import { ensureSchedules } from '../../src/temporal/schedules.js';
import { carryOut } from '../support/activity.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, workflowIdOf } from '../support/flow-job.js';
import { showMetrics } from '../support/metrics.js';
import { moneySteps } from '../support/money.js';
import { until } from '../support/until.js';
import { vaultSays } from '../support/vault-news.js';

const vault: BookedVault = { chainId: 1, vault: `0x${'5e'.repeat(20)}`, scale: 10n ** 12n, leastDeposit: 0n };
const token = 10n ** 18n;

let flow: Flow;
let database: TestDatabase;
beforeAll(async () => {
  [flow, database] = await Promise.all([createFlow(), freshDatabase()]);
  await payInAdvance(database.pool);
  await recordVault(database.pool, vault, { scale: vault.scale, batchDelayS: 60, exitDelayS: 600 });
});
afterAll(() => Promise.all([flow.close(), database.close()]));

test('the jobs of a wallet that is about to leave the vault end, and a settlement is cut of what they cost', async () => {
  const { pool } = database;
  const wallet = `0x${randomUUID().replaceAll('-', '')}00000000`;
  const args = { customer: wallet, from: wallet, to: wallet };
  await vaultSays(
    pool,
    vault,
    { name: 'Deposited', args: { ...args, amount: '9000000' } },
    { name: 'CapRaised', args: { ...args, cap: '9000000' } },
  );
  const steps = moneySteps(pool);
  const order = await steps.order(await putSession(pool, wallet), wallet, token);
  await steps.place(order, 'atlas', token);
  await steps.run(order, new Date(Date.now() - 600_000));
  const job = await runningFlowJob(flow, { order });

  const config = testConfig(
    { ...flow.temporal.config },
    {
      ...{ ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: 'http://127.0.0.1:9', BLOCKCHAIN_CHAIN_ID: '1' },
      ...{ VAULT_ADDRESS: vault.vault, BROKER_ROLES: 'api' },
    },
  );
  const { client: temporal } = flow.temporal;
  await ensureSchedules(temporal, config);
  const logged: unknown[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const { compareFunds } = createFundsComparison({ config, pool, temporal, logger });

  const ran = async () => {
    const { info } = await temporal.schedule.getHandle('settlement').describe();
    return info.numActionsTaken;
  };

  expect(await carryOut(compareFunds)).toEqual({ repairs: {}, failures: [] });
  const shown = await showMetrics();
  const leaving = (owing: string) => shown.of(`broker_leaving_wallets{owing="${owing}"}`);
  expect([await leaving('reserved'), await leaving('undrawn')]).toEqual([0, 0]);
  const exitAt = String(Math.floor(Date.now() / 1_000) + 200);
  await vaultSays(pool, vault, { name: 'ExitRequested', args: { ...args, exitAt } });
  // Whoever repeats it, one signal ends the job.
  for (let time = 0; time < 2; time++) expect((await carryOut(compareFunds)).failures).toEqual([]);
  expect(await job.released()).toMatchObject({ status: 'cancelled', failure: { reason: 'funds_withdrawn' } });
  await flow.replay(workflowIdOf(job));
  expect([await leaving('reserved'), await leaving('undrawn')]).toEqual([1, 0]);
  expect(logged).toContainEqual(expect.objectContaining({ wallet, jobs: [`${order.jobId} running`] }));

  const before = await ran();
  await steps.end(order, new Date());
  await withTransaction(pool, (tx) => stopSettlements(tx, vault, 'vetoed'));
  expect((await carryOut(compareFunds)).failures).toEqual([]);
  expect(await ran()).toBe(before);
  expect([await leaving('reserved'), await leaving('undrawn')]).toEqual([0, 1]);
  const resumption = { by: wallet, reason: 'looked into it', requestKey: randomUUID() };
  await withTransaction(pool, (tx) => resumeSettlements(tx, vault, resumption));
  expect((await carryOut(compareFunds)).failures).toEqual([]);
  await until(async () => (await ran()) > before, { name: 'a settlement is begun' });
  await pool.query(`update vaults set settled_until = now() - interval '100 hours'`);
  await carryOut(compareFunds);
  expect(await shown.of('broker_settlement_late_seconds')).toBeGreaterThan(74 * 3_600);
  expect(await shown.of('broker_frozen_wallets')).toBe(0);
  await shown.stop();
});
