import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createMoneyComparison } from '../../activities/reconciler/money.js';
import { readLedgerChecks } from '../../src/db/ledger-checks.js';
import { differingMoney, moneyInvariants, type MoneyInvariant } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import type { JobOrder } from '../../src/domain/job.js';
import { moneyDiffers } from '../../src/observability/metrics.js';
import { carryOut } from '../support/activity.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession, testWallet } from '../support/fleet.js';
import { moneySteps, withoutLedgerTriggers } from '../support/money.js';
import { receiptSite } from '../support/receipts.js';

let database: TestDatabase;
let sessionId: string;
let ended: JobOrder;
const pool = () => database.pool;
const token = 10n ** 18n;
beforeAll(async () => {
  database = await freshDatabase();
  sessionId = await putSession(pool(), testWallet);
  const steps = moneySteps(pool());
  ended = await steps.order(sessionId, testWallet, token);
  await steps.place(ended, 'atlas', token, { feeBps: 500 });
  await steps.run(ended, new Date(Date.now() - 1_800_000));
  await steps.extend(ended, 'longer', 3_600);
  await steps.end(ended, new Date());
  await steps.place(await steps.order(sessionId, testWallet, token), 'atlas', token / 2n);
});
afterAll(() => database.close());

const lineOf = (kind: string) => `(select a.id from ledger_accounts a where a.kind = '${kind}')`;
const settle = () => `(select id from ledger_entries where key = 'settle/${ended.jobId}')`;

/** Faults by what has to find them. Others may find them, too. */
const planted: Record<MoneyInvariant, () => string[]> = {
  I1: () => [
    `update ledger_lines set amount = amount + 1 where entry_id = ${settle()} and account_id = ${lineOf('fees')}`,
  ],
  I2: () => [`update ledger_accounts set balance = balance + 1 where kind = 'fees'`],
  I3: () => [`update auth_charges set reserved = reserved + 1, booked = booked + 1 where settled_at is null`],
  I4: () => [
    `update auth_charges set spent = spent - 1 where job_id = '${ended.jobId}' and request_id = ''`,
    `update auth_sessions set spent = spent - 1`,
  ],
  I5: () => [`update jobs set status = 'failed', ended_at = now() where ended_at is null`],
  I6: () => [`update auth_sessions set reserved = reserved + 1`],
  I7: () => [`update receipts set message = jsonb_set(message, '{fee}', '"0"') where job_id = '${ended.jobId}'`],
  I8: () => ['update receipts set number = number + 1 where number = (select max(number) from receipts)'],
  I9: () => [
    `update ledger_lines set amount = amount + 2 * ${token} where entry_id = ${settle()} and account_id = ${lineOf('fees')}`,
    `update ledger_lines set amount = amount - 2 * ${token} where entry_id = ${settle()} and account_id = ${lineOf('customer')}`,
  ],
};

class Undone extends Error {}

test('a healthy database differs in nothing', async () => {
  expect(await differingMoney(pool(), 'everything')).toEqual([]);
  expect(await differingMoney(pool(), { afterEntry: 0 })).toEqual([]);
});

test.each(moneyInvariants)('%s finds the difference that is planted for it, and says where', async (invariant) => {
  const planting = withoutLedgerTriggers(pool(), async (tx) => {
    for (const statement of planted[invariant]()) expect((await tx.query(statement)).rowCount).toBe(1);
    const found = (await differingMoney(tx, 'everything')).find((each) => each.invariant === invariant);
    expect(found).toMatchObject({ count: 1 });
    expect(found!.examples[0]).toMatch(/^(entry|account|wallet|job|session|receipt) \S/);
    throw new Undone();
  });
  await expect(planting).rejects.toBeInstanceOf(Undone);
});

test('what differs is reported, counted and kept until a full comparison finds it right again', async () => {
  const { compareMoney } = createMoneyComparison({
    pool: pool(),
    logger: pino({ level: 'silent' }),
    config: receiptSite,
  });
  const shown = async () =>
    Object.fromEntries((await moneyDiffers.get()).values.map(({ labels, value }) => [labels.invariant, value]));
  // As before the first comparison, which another test may have made.
  await pool().query('update ledger_checks set full_at = null');
  await withoutLedgerTriggers(pool(), (tx) => tx.query(`update auth_sessions set reserved = reserved + 1`));
  const { failures } = await carryOut(compareMoney);
  expect(failures).toEqual([expect.stringMatching(/^money, I6: 1 differ: what a session has .* session /)]);
  expect((await readLedgerChecks(pool())).differs).toEqual({ I6: 1 });
  expect(await shown()).toMatchObject({ I1: 0, I6: 1 });
  await pool().query('update auth_sessions set reserved = reserved - 1');
  // New entries alone cannot tell.
  expect((await carryOut(compareMoney)).failures).toEqual([]);
  expect(await shown()).toMatchObject({ I6: 1 });
  await pool().query(`update ledger_checks set full_at = now() - interval '11 minutes'`);
  await carryOut(compareMoney);
  expect(await shown()).toMatchObject({ I6: 0 });
});

test('a job that has ended with its charges open is settled, and nothing else is repaired', async () => {
  const steps = moneySteps(pool());
  const order = await steps.order(sessionId, testWallet, token);
  await steps.place(order, 'atlas', token);
  await steps.run(order, new Date(Date.now() - 3_600_000));
  await pool().query(
    `update jobs set status = 'failed', ended_at = started_at + interval '30 minutes' where job_id = $1`,
    [order.jobId],
  );
  const { compareMoney } = createMoneyComparison({
    pool: pool(),
    logger: pino({ level: 'silent' }),
    config: receiptSite,
  });
  expect(await carryOut(compareMoney)).toEqual({ booked: 0, repairs: { job_not_settled: 1 }, failures: [] });
  expect(await carryOut(compareMoney)).toEqual({ booked: 0, repairs: {}, failures: [] });
  const { rows } = await pool().query(
    `select c.spent::text, j.billed_ms from auth_charges c join jobs j using (job_id) where job_id = $1`,
    [order.jobId],
  );
  expect(rows).toEqual([{ spent: String(token / 2n), billed_ms: 1_800_000 }]);
  await withTransaction(pool(), async (tx) => expect(await differingMoney(tx, 'everything')).toEqual([]));
});
