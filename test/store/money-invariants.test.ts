import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { comparisonLimits } from '../../activities/reconciler/money-comparison.js';
import { createMoneyComparison } from '../../activities/reconciler/money.js';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { insertBatch } from '../../src/db/batches.js';
import { readLedgerChecks, recordNewCompared } from '../../src/db/ledger-checks.js';
import { differingMoney, moneyInvariants, type MoneyInvariant } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import { recordVault } from '../../src/db/vaults.js';
import type { JobOrder } from '../../src/domain/job.js';
import { moneyCompared, moneyDiffers } from '../../src/observability/metrics.js';
import { carryOut } from '../support/activity.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession, testWallet } from '../support/fleet.js';
import { moneySteps, withoutLedgerTriggers } from '../support/money.js';
import { receiptSite } from '../support/receipts.js';
import { vaultSays } from '../support/vault-news.js';

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
  await settleOnChain();
});
afterAll(() => database.close());

const lineOf = (kind: string) =>
  `(select a.id from ledger_accounts a where a.kind = '${kind}' and a.owner in ('', '${testWallet}'))`;
const settle = () => `(select id from ledger_entries where key = 'settle/${ended.jobId}')`;

const depositor = `0x${'de'.repeat(20)}`;
const vault: BookedVault = { chainId: 97, vault: `0x${'5'.repeat(40)}`, scale: 10n ** 12n, leastDeposit: 0n };

/** A deposit of 5 tokens, of which a settlement drew 2 and credited none. */
async function settleOnChain(): Promise<void> {
  const hash = `0x${'a'.repeat(64)}` as const;
  await recordVault(pool(), vault, { scale: vault.scale, batchDelayS: 60, exitDelayS: 600 });
  await vaultSays(
    pool(),
    vault,
    { name: 'Deposited', args: { customer: depositor, from: depositor, amount: '5000000' } },
    { name: 'CapRaised', args: { customer: depositor, cap: '4000000' } },
  );
  await insertBatch(pool(), vault, {
    ...{ number: 1, hash, credits: [] },
    draws: [{ wallet: depositor as `0x${string}`, cumulative: 2_000_000n }],
  });
  await vaultSays(
    pool(),
    vault,
    { name: 'BatchProposed', args: { number: '1', hash } },
    { name: 'BatchExecuted', args: { number: '1', drawn: '2000000', credited: '0' } },
  );
}

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
  C1: () => [`update chain_wallets set withdrawn = withdrawn + 1`],
  C2: () => [`update chain_wallets set cap = 1999999999999999999`],
  C3: () => [`update chain_events set args = args || '{"drawn": "2000001"}' where name = 'BatchExecuted'`],
};

/** What else one of them has to find. */
const plantedMonths = [
  `update wallet_months set charged = charged - 1`,
  `delete from wallet_months`,
  `insert into wallet_months (wallet, month, charged) values ('${testWallet}', '2020-01-01', 1)`,
];

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
    expect(found!.examples[0]).toMatch(/^(entry|account|wallet|job|session|receipt|settlement) \S/);
    throw new Undone();
  });
  await expect(planting).rejects.toBeInstanceOf(Undone);
});

test.each(plantedMonths)('I2 finds a month of a wallet that differs: %s', async (statement) => {
  const planting = withTransaction(pool(), async (tx) => {
    expect((await tx.query(statement)).rowCount).toBe(1);
    const [found] = await differingMoney(tx, 'everything');
    expect(found).toMatchObject({ invariant: 'I2', count: 1 });
    expect(found!.examples[0]).toMatch(/^wallet 0x\w+ in \d{4}-\d\d$/);
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
  await pool().query('truncate ledger_comparisons');
  await withoutLedgerTriggers(pool(), (tx) => tx.query(`update auth_sessions set reserved = reserved + 1`));
  const { failures } = await carryOut(compareMoney);
  expect(failures).toEqual([expect.stringMatching(/^money, I6: 1 differ: what a session has .* session /)]);
  expect((await readLedgerChecks(pool())).differs).toEqual({ I6: 1 });
  expect(await shown()).toMatchObject({ I1: 0, I6: 1 });
  await pool().query('update auth_sessions set reserved = reserved - 1');
  // New entries alone cannot tell.
  expect((await carryOut(compareMoney)).failures).toEqual([]);
  expect(await shown()).toMatchObject({ I6: 1 });
  await pool().query(`update ledger_comparisons set tried_at = now() - interval '11 minutes'`);
  await carryOut(compareMoney);
  expect(await shown()).toMatchObject({ I6: 0 });
});

test('an invariant that cannot be compared hides no other, and stands with its reason until it can be', async () => {
  const deps = { pool: pool(), logger: pino({ level: 'silent' }), config: receiptSite };
  const { compareMoney } = createMoneyComparison(deps, { ...comparisonLimits, newMs: 1_000, fullMs: 2_000 });
  await pool().query('truncate ledger_comparisons');
  await carryOut(compareMoney);
  const before = await readLedgerChecks(pool());
  await pool().query('update auth_sessions set reserved = reserved + 1');
  await pool().query('truncate ledger_comparisons');
  const busy = await pool().connect();
  await busy.query('begin; lock table receipts in access exclusive mode');
  const { failures } = await carryOut(compareMoney).finally(async () => {
    await busy.query('rollback');
    busy.release();
  });
  expect(failures).toEqual([
    expect.stringMatching(/^money, I7: what is new could not be compared: .*timeout/),
    expect.stringMatching(/^money, I6: 1 differ/),
    expect.stringMatching(/^money, I7: everything could not be compared: .*timeout/),
    expect.stringMatching(/^money, I8: everything could not be compared: .*timeout/),
  ]);
  const checks = await readLedgerChecks(pool());
  expect(checks.differs).toEqual({ I6: 1 });
  const failing = checks.full.filter((each) => each.failing !== undefined);
  expect(failing.map(({ invariant, comparedAt }) => [invariant, comparedAt])).toEqual([
    ['I7', undefined],
    ['I8', undefined],
  ]);
  expect(failing[0]!.failing!.why).toMatch(/timeout/);
  // What is new was not seen by all.
  expect(checks).toMatchObject({ seenEntry: before.seenEntry, checkedAt: before.checkedAt });
  const compared = async () =>
    Object.fromEntries((await moneyCompared.get()).values.map(({ labels, value }) => [labels.invariant, value]));
  expect(await compared()).toMatchObject({ I6: expect.any(Number), I7: 0, I8: 0 });
  await pool().query('update auth_sessions set reserved = reserved - 1');
  await pool().query(`update ledger_comparisons set tried_at = now() - interval '61 minutes'`);
  expect((await carryOut(compareMoney)).failures).toEqual([]);
  const healthy = await readLedgerChecks(pool());
  expect([healthy.differs, healthy.full.filter((each) => each.failing !== undefined)]).toEqual([{}, []]);
  expect((await compared())['I7']).toBeGreaterThan(0);
});

test('what could not be compared is compared again, but never so much of it that all others become slow', async () => {
  const seen = async (isWhole: boolean) => {
    await recordNewCompared(pool(), { found: [], isWhole });
    return (await readLedgerChecks(pool())).seenEntry;
  };
  await withoutLedgerTriggers(pool(), (tx) => tx.query(`update ledger_entries set at = at - interval '1 hour'`));
  const last = await seen(true);
  expect(last).toBeGreaterThan(0);
  const add = (id: number) =>
    withoutLedgerTriggers(pool(), (tx) =>
      tx.query(
        `insert into ledger_entries (id, key, kind, at) overriding system value values ($1, $2, 'adjust', now() - interval '1 hour')`,
        [id, `adjust/${id}`],
      ),
    );
  await add(last + 5_000);
  expect(await seen(false)).toBe(last);
  await add(last + 105_000);
  expect(await seen(false)).toBe(last + 5_000);
  expect(await seen(true)).toBe(last + 105_000);
});

test('where new entries take the whole time of a run, one invariant is compared over everything, and the others in later runs', async () => {
  const deps = { pool: pool(), logger: pino({ level: 'silent' }), config: receiptSite };
  const { compareMoney } = createMoneyComparison(deps, { ...comparisonLimits, fullBeginsWithinMs: -1 });
  await pool().query('truncate ledger_comparisons');
  const compared = async () =>
    (await readLedgerChecks(pool())).full.filter(({ comparedAt }) => comparedAt !== undefined).length;
  for (let runs = 0; runs < moneyInvariants.length; runs++) await carryOut(compareMoney);
  expect(await compared()).toBe(moneyInvariants.length);
  await pool().query('truncate ledger_comparisons');
  await carryOut(createMoneyComparison(deps).compareMoney);
  expect(await compared()).toBe(moneyInvariants.length);
});

test('invariants that new entries cannot be compared by share their time, and hold up no comparison of everything', async () => {
  const deps = { pool: pool(), logger: pino({ level: 'silent' }), config: receiptSite };
  // As if each of them had used up its time.
  const limits = { ...comparisonLimits, newWithinMs: 0, fullBeginsWithinMs: 0 };
  const { compareMoney } = createMoneyComparison(deps, limits);
  await pool().query('truncate ledger_comparisons');
  const busy = await pool().connect();
  await busy.query('begin; lock table receipts in access exclusive mode');
  await carryOut(compareMoney).finally(async () => {
    await busy.query('rollback');
    busy.release();
  });
  const { rows } = await pool().query('select invariant from ledger_comparisons where compared_at is not null');
  expect(rows).toEqual([{ invariant: 'I1' }]);
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
