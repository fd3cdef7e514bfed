import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { recordPayment, recordPayout } from '../../src/billing/by-hand.js';
import { refundJob } from '../../src/billing/refund.js';
import { claimEarnings } from '../../src/db/claims.js';
import { findEntry, postEntry, type Entry } from '../../src/db/ledger.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import type { JobOrder } from '../../src/domain/job.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession, testWallet } from '../support/fleet.js';
import { balances, moneySteps, proveWallet, withoutLedgerTriggers } from '../support/money.js';

let database: TestDatabase;
let sessionId: string;
let steps: ReturnType<typeof moneySteps>;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await withoutLedgerTriggers(pool(), (tx) =>
    tx.query(
      'truncate receipts, wallet_months, ledger_lines, ledger_entries, ledger_accounts, jobs, auth_charges, provider_identities, auth_sessions cascade',
    ),
  );
  sessionId = await putSession(pool(), testWallet);
  steps = moneySteps(pool());
});

const token = 10n ** 18n;
const hourMs = 3_600_000;
const owner = `0x${'b'.repeat(40)}`;
const admin = `0x${'c'.repeat(40)}`;
const post = (entry: Entry) => withTransaction(pool(), (tx) => postEntry(tx, entry));
const entry = (changes: Partial<Entry> = {}): Entry => ({
  ...{ key: 'adjust/1', kind: 'adjust' },
  lines: [
    { kind: 'customer', owner: testWallet, amount: -5n },
    { kind: 'manual', owner: '', amount: 5n },
  ],
  ...changes,
});
const refund = (order: JobOrder, amount: bigint, requestKey: string) =>
  withTransaction(pool(), (tx) =>
    refundJob(tx, { jobId: order.jobId, amount, reason: 'slow disk', by: admin, requestKey }),
  );
const kindsOf = async (order: JobOrder) => {
  const { rows } = await pool().query<{ key: string }>('select key from ledger_entries where job_id = $1 order by id', [
    order.jobId,
  ]);
  return rows.map(({ key }) => key.replace(order.jobId, 'J'));
};

const moneyHolds = async () => expect(await differingMoney(pool(), 'everything')).toEqual([]);

describe('the one writer', () => {
  test('the same booking again is no booking, and another under its key is refused', async () => {
    expect(await post(entry())).toBe(true);
    expect(await post(entry())).toBe(false);
    const again = { lines: [...entry().lines].reverse() };
    expect(await post(entry(again))).toBe(false);
    await expect(
      post(
        entry({
          lines: [
            { kind: 'customer', owner: testWallet, amount: -6n },
            { kind: 'manual', owner: '', amount: 6n },
          ],
        }),
      ),
    ).rejects.toMatchObject({ code: 'LG002' });
    await expect(post(entry({ kind: 'deposit' }))).rejects.toMatchObject({ code: 'LG002' });
    await expect(post(entry({ lines: [] }))).rejects.toMatchObject({ code: 'LG002' });
    expect(await balances(pool())).toEqual({ [`customer ${testWallet}`]: -5n, manual: 5n });
  });

  test('eight at once that book the same fact book it once', async () => {
    const booked = await Promise.all(Array.from({ length: 8 }, () => post(entry())));
    expect(booked.filter(Boolean)).toHaveLength(1);
    expect(await balances(pool())).toEqual({ [`customer ${testWallet}`]: -5n, manual: 5n });
  });

  test('lines that do not sum to 0, and money that is not there, are refused', async () => {
    const unbalanced = entry({ lines: [{ kind: 'customer', owner: testWallet, amount: 1n }] });
    await expect(post(unbalanced)).rejects.toMatchObject({ code: 'LG001' });
    const overdrawn = entry({
      lines: [
        { kind: 'reserved', owner: testWallet, amount: -1n },
        { kind: 'customer', owner: testWallet, amount: 1n },
      ],
    });
    await expect(post(overdrawn)).rejects.toMatchObject({ code: '23514', constraint: 'ledger_accounts_covered' });
    expect(await findEntry(pool(), 'adjust/1')).toBeUndefined();
  });

  test('amounts near 2^128 are kept to the unit, and one that no account can hold books nothing', async () => {
    const most = 2n ** 128n - 1n;
    const paid = (key: string, amount: bigint) =>
      post({
        ...{ key, kind: 'deposit' },
        lines: [
          { kind: 'customer', owner: testWallet, amount },
          { kind: 'manual', owner: '', amount: -amount },
        ],
      });
    for (const key of ['a', 'b', 'c']) expect(await paid(key, most)).toBe(true);
    expect(await paid('a', most)).toBe(false);
    await expect(paid('a', most - 1n)).rejects.toMatchObject({ code: 'LG002' });
    const held = { [`customer ${testWallet}`]: 3n * most, manual: -3n * most };
    expect(await balances(pool())).toEqual(held);
    // What `numeric(78, 0)` holds: the sum of two of these does not fit.
    const whole = 10n ** 78n - 1n;
    await expect(paid('too much', whole)).rejects.toMatchObject({ code: '22003' });
    await expect(paid('no amount', 10n ** 78n)).rejects.toMatchObject({ code: '22003' });
    expect(await balances(pool())).toEqual(held);
    expect((await findEntry(pool(), 'a'))?.lines).toContainEqual({ kind: 'customer', owner: testWallet, amount: most });
    expect(await findEntry(pool(), 'too much')).toBeUndefined();
    await moneyHolds();
  });

  test.each([
    ['no number', `'{NaN,1}'`],
    ['infinity', `'{Infinity,-Infinity}'`],
    ['parts that round to what does not balance', `'{1.4,1.4,-2.8}'`],
    ['parts that round to nothing', `'{0.4,-0.4}'`],
    ['more amounts than accounts', `'{1,-1,1,-1}'`],
  ])('%s is refused, whoever writes it by hand', async (_what, amounts) => {
    const bookings = withTransaction(pool(), (tx) =>
      tx.query(
        `select ledger_post('adjust/9', 'adjust', null, '{}', '{customer,manual,fees}', '{0xaa,"",""}', ${amounts})`,
      ),
    );
    await expect(bookings).rejects.toMatchObject({ code: expect.stringMatching(/^(LG001|22\w{3}|23\w{3})$/) });
    expect(await balances(pool())).toEqual({});
  });

  test.each([
    ['an entry that is changed', `update ledger_entries set note = '{}'`],
    ['an entry that is deleted', 'delete from ledger_entries'],
    ['a line that is changed', 'update ledger_lines set amount = amount + 1'],
    ['a line that is deleted', 'delete from ledger_lines'],
    ['an emptied ledger', 'truncate ledger_entries, ledger_lines'],
    ['emptied lines', 'truncate ledger_lines'],
    ['a balance that is set', 'update ledger_accounts set balance = balance + 1'],
    ['an account that passes to another owner', `update ledger_accounts set owner = 'x'`],
    ['an account that is deleted', 'delete from ledger_accounts where balance = 0'],
    ['emptied accounts', 'truncate ledger_accounts cascade'],
    ['an account that begins with money', `insert into ledger_accounts (kind, balance) values ('fees', 1)`],
    [
      'a line for an entry of another transaction',
      'insert into ledger_lines (entry_id, account_id, amount, balance, at) select e.id, a.id, 1, 1, now() from ledger_entries e, ledger_accounts a',
    ],
    [
      'an entry beside the one writer',
      `insert into ledger_entries (key, kind, at) values ('adjust/2', 'adjust', now())`,
    ],
  ])('%s is refused', async (_, statement) => {
    await post(entry());
    const before = await balances(pool());
    await expect(pool().query(statement)).rejects.toMatchObject({ code: 'LG001' });
    expect(await balances(pool())).toEqual(before);
  });

  test('a line that is added in the same transaction has to balance at its end', async () => {
    const adding = withTransaction(pool(), async (tx) => {
      await postEntry(tx, entry());
      await tx.query(`insert into ledger_accounts (kind, may_owe) values ('rounding', true)`);
      await tx.query(
        `insert into ledger_lines (entry_id, account_id, amount, balance, at)
         select e.id, a.id, 1, 0, now() from ledger_entries e, ledger_accounts a where a.kind = 'rounding'`,
      );
    });
    await expect(adding).rejects.toMatchObject({ code: 'LG001' });
    expect(await balances(pool())).toEqual({});
  });
});

describe('a job’s money', () => {
  const ready = () => new Date(Date.now() - hourMs);

  test('a job books its order, its placement, its extension and its end, and each share goes where it belongs', async () => {
    await proveWallet(pool(), 'atlas', owner);
    const order = await steps.order(sessionId, testWallet, 3n * token);
    await steps.place(order, 'atlas', 2n * token, { feeBps: 500 });
    const startedAt = ready();
    await steps.run(order, startedAt);
    await steps.extend(order, 'longer', 3_600);
    expect(await balances(pool())).toEqual({
      [`customer ${testWallet}`]: -4n * token,
      [`reserved ${testWallet}`]: 4n * token,
    });
    const settled = await steps.end(order, new Date(startedAt.getTime() + hourMs / 2));
    expect(settled).toMatchObject({
      ...{ charged: token, fee: token / 20n, earned: (token * 19n) / 20n, reserved: 4n * token },
      ...{ rate: 2n * token, feeBps: 500, providerId: 'atlas', payee: owner },
    });
    expect(await balances(pool())).toEqual({
      [`customer ${testWallet}`]: -token,
      ...{ fees: token / 20n, [`provider ${owner}`]: (token * 19n) / 20n },
    });
    expect(await kindsOf(order)).toEqual(['reserve/J/', 'trim/J/1', 'reserve/J/longer', 'settle/J']);
    expect(await steps.end(order, new Date())).toBeUndefined();
    expect(await kindsOf(order)).toHaveLength(4);
    await moneyHolds();
  });

  test('a job that was never ready gives everything back, and one that reserved nothing is settled, too', async () => {
    const order = await steps.order(sessionId, testWallet, token);
    const free = await steps.order(sessionId, testWallet, 0n);
    await steps.place(order, 'atlas', token);
    for (const job of [order, free]) await steps.end(job, new Date());
    expect(await balances(pool())).toEqual({});
    expect(await kindsOf(order)).toEqual(['reserve/J/', 'settle/J']);
    expect(await kindsOf(free)).toEqual(['settle/J']);
    await moneyHolds();
  });

  test('each placement of a job books its own change, up or down', async () => {
    const order = await steps.order(sessionId, testWallet, 2n * token);
    await steps.place(order, 'atlas', token);
    await steps.leave(order);
    await steps.place(order, 'borealis', 3n * token, { attempt: 2, feeBps: 700 });
    expect(await kindsOf(order)).toEqual(['reserve/J/', 'trim/J/1', 'trim/J/2']);
    const { rows } = await pool().query('select rate::text, fee_bps from jobs where job_id = $1', [order.jobId]);
    expect(rows).toEqual([{ rate: String(3n * token), fee_bps: 700 }]);
    expect(await balances(pool())).toMatchObject({ [`reserved ${testWallet}`]: 3n * token });
    await moneyHolds();
  });

  test('earnings of a provider without a proven wallet wait, and go to the wallet once it is proven', async () => {
    const order = await steps.order(sessionId, testWallet, token);
    await steps.place(order, 'atlas', token);
    await steps.run(order, ready());
    await steps.end(order, new Date());
    expect(await balances(pool())).toMatchObject({ 'unclaimed atlas': token });
    const claim = () => withTransaction(pool(), (tx) => claimEarnings(tx, 'atlas'));
    expect(await claim()).toBe(0n);
    await proveWallet(pool(), 'atlas', owner);
    expect(await Promise.all([claim(), claim(), claim()])).toEqual(expect.arrayContaining([token, 0n]));
    expect(await balances(pool())).toEqual({ [`customer ${testWallet}`]: -token, [`provider ${owner}`]: token });
    // What is refunded now comes from the wallet that has it.
    await refund(order, token, 'all of it');
    expect(await balances(pool())).toEqual({});
    await moneyHolds();
  });
});

describe('a refund', () => {
  async function ended(feeBps: number): Promise<JobOrder> {
    await proveWallet(pool(), 'atlas', owner);
    const order = await steps.order(sessionId, testWallet, 1_000n);
    await steps.place(order, 'atlas', 1_000n, { feeBps });
    const startedAt = new Date(Date.now() - hourMs);
    await steps.run(order, startedAt);
    await steps.end(order, new Date(startedAt.getTime() + hourMs));
    return order;
  }

  test('in many parts a refund gives back what it does at once, and the fee of the rest is rounded down again', async () => {
    const order = await ended(333);
    expect(await balances(pool())).toMatchObject({ fees: 33n, [`provider ${owner}`]: 967n });
    expect(await refund(order, 100n, 'a')).toMatchObject({ revision: 1, charged: 900n, fee: 29n, earned: 871n });
    expect(await refund(order, 1n, 'b')).toMatchObject({ revision: 2, charged: 899n, fee: 29n, earned: 870n });
    expect(await refund(order, 899n, 'c')).toMatchObject({ revision: 3, charged: 0n, fee: 0n, earned: 0n });
    expect(await balances(pool())).toEqual({});
    await moneyHolds();
  });

  test('a refund that is repeated gives back once, under its key no other amount, and in sum never more than was charged', async () => {
    const order = await ended(500);
    const first = await Promise.all(Array.from({ length: 4 }, () => refund(order, 600n, 'a')));
    expect(first.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1);
    expect(new Set(first.map(({ revision }) => revision))).toEqual(new Set([1]));
    await expect(refund(order, 601n, 'a')).rejects.toMatchObject({ code: 'idempotency_conflict' });
    await expect(refund(order, 401n, 'b')).rejects.toMatchObject({ code: 'refund_exceeds_charge' });
    await refund(order, 400n, 'b');
    await expect(refund(order, 1n, 'c')).rejects.toMatchObject({ code: 'refund_exceeds_charge' });
  });

  test('nothing is refunded of a job that runs, or that nobody ordered', async () => {
    const order = await steps.order(sessionId, testWallet, token);
    await expect(refund(order, 1n, 'a')).rejects.toMatchObject({ code: 'refund_exceeds_charge' });
    const unknown = { ...order, jobId: '00000000-0000-4000-8000-000000000000' };
    await expect(refund(unknown, 1n, 'a')).rejects.toMatchObject({ code: 'job_not_found' });
  });

  test('a provider that was paid out owes what is refunded, and later earnings pay it off', async () => {
    const order = await ended(0);
    const payout = { wallet: owner, amount: 1_000n, reference: 'bank 7', by: admin, requestKey: 'k' };
    const pay = (changes = {}) => withTransaction(pool(), (tx) => recordPayout(tx, { ...payout, ...changes }));
    await expect(pay({ amount: 1_001n })).rejects.toMatchObject({ code: 'payout_exceeds_earnings' });
    const paid = await Promise.all([pay(), pay(), pay()]);
    expect(paid.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1);
    await expect(pay({ amount: 999n })).rejects.toMatchObject({ code: 'idempotency_conflict' });
    await expect(pay({ requestKey: 'l', amount: 1n })).rejects.toMatchObject({ code: 'payout_exceeds_earnings' });
    await refund(order, 300n, 'a');
    expect(await balances(pool())).toEqual({
      ...{ [`provider ${owner}`]: -300n, [`customer ${testWallet}`]: -700n, manual: 1_000n },
    });
    const paying = { wallet: testWallet, amount: 900n, reference: 'invoice 1', by: admin, requestKey: 'k' };
    await withTransaction(pool(), (tx) => recordPayment(tx, paying));
    expect(await balances(pool())).toEqual({
      [`provider ${owner}`]: -300n,
      [`customer ${testWallet}`]: 200n,
      manual: 100n,
    });
    await moneyHolds();
  });
});
