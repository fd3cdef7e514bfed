import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { refundJob } from '../../src/billing/refund.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { listAudit } from '../../src/db/audit-log.js';
import { reserveAtPlacement } from '../../src/db/bookings.js';
import { pruneMonthlyCaps, readMonthlyCap, usedOf, writeMonthlyCap } from '../../src/db/spending-caps.js';
import { withTransaction } from '../../src/db/pool.js';
import { bookCharges } from '../../src/db/unbooked.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';
import { moneySteps, withoutLedgerTriggers } from '../support/money.js';
import { rentals } from '../support/receipts.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  await putProvider(database.pool, { providerId: 'atlas' });
});
afterAll(() => database.close());

/** Also an hour of the jobs below. */
const token = 10n ** 18n;
const hourMs = 3_600_000;
let count = 0;

/** A wallet with a cap, and two sessions that know nothing of each other. */
async function customer(cap?: bigint) {
  const { pool } = database;
  const wallet = `0x${(++count).toString(16).padStart(40, '0')}`;
  const [session, other] = [await putSession(pool, wallet), await putSession(pool, wallet)];
  const setCap = (amount: bigint) => withTransaction(pool, (tx) => writeMonthlyCap(tx, wallet, amount));
  if (cap !== undefined) await setCap(cap);
  const steps = moneySteps(pool);
  /** Reserves so many tokens for an hour. */
  const order = (tokens: bigint, sessionId = session) => steps.order(sessionId, wallet, tokens * token);
  /** A job that cost so many tokens. */
  const cost = async (tokens: bigint) => {
    const job = await order(tokens);
    await steps.place(job, 'atlas', tokens * token);
    const startedAt = new Date(Date.now() - 2 * hourMs);
    await steps.run(job, startedAt);
    await steps.end(job, new Date(startedAt.getTime() + hourMs));
    return job;
  };
  const capOf = async (at?: Date) => (await readMonthlyCap(pool, wallet, at))!;
  const used = async (at?: Date) => usedOf(await capOf(at)) / token;
  const events = async () => {
    const { rows } = await pool.query<{ kind: string; text: string; data: Record<string, unknown> }>(
      'select kind, text, data from job_events where wallet = $1 order by id',
      [wallet],
    );
    return rows;
  };
  return { wallet, session, other, setCap, steps, order, cost, cap: capOf, used, events };
}

const nextMonth = (at: Date) => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 15));
const reached = { code: 'monthly_cap_reached' };

describe('a monthly cap', () => {
  test('all sessions of a wallet together order up to the last unit of its cap, and not one above it', async () => {
    const { order, session, other, cap, wallet } = await customer(10n * token);
    await order(4n, session);
    await order(6n, other);
    await expect(
      withTransaction(database.pool, (tx) => reserveSpend(tx, { jobId: randomUUID(), sessionId: session, amount: 1n })),
    ).rejects.toMatchObject({
      ...reached,
      extra: { required: '1', remaining: '0', monthly_cap: String(10n * token) },
    });
    // Nothing of the refused order stays.
    expect(await cap()).toMatchObject({ amount: 10n * token, charged: 0n, reserved: 10n * token });
    const { rows } = await database.pool.query(
      'select sum(reserved)::text as sum from auth_sessions where wallet = $1',
      [wallet],
    );
    expect(rows).toEqual([{ sum: String(10n * token) }]);
  });

  test('the refusal says what is left, and when the month turns', async () => {
    const { order, cap } = await customer(10n * token);
    await order(7n);
    const { resetsAt } = await cap();
    expect([resetsAt.getUTCDate(), resetsAt.getUTCHours(), resetsAt.getTime() > Date.now()]).toEqual([1, 0, true]);
    await expect(order(4n)).rejects.toMatchObject({
      ...reached,
      extra: {
        ...{ required: String(4n * token), remaining: String(3n * token), monthly_cap: String(10n * token) },
        resets_at: resetsAt.toISOString(),
      },
    });
  });

  test('of twenty orders at once, by two sessions, as many are taken as the cap allows', async () => {
    const { order, session, other, used } = await customer(7n * token);
    const orders = Array.from({ length: 20 }, (_, at) => order(1n, at % 2 === 0 ? session : other));
    const settled = await Promise.allSettled(orders);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
    for (const each of settled) if (each.status === 'rejected') expect(each.reason).toMatchObject(reached);
    expect(await used()).toBe(7n);
  });

  test('what a job did not use of its reservation counts no more once it has ended, and what it cost does', async () => {
    const { steps, order, cost, used } = await customer(10n * token);
    await cost(3n);
    const job = await order(6n);
    expect(await used()).toBe(9n);
    await steps.end(job, new Date());
    expect(await used()).toBe(3n);
    await order(7n);
    await expect(order(1n)).rejects.toMatchObject(reached);
  });

  test('an extension counts as an order does, and a refused one leaves the expiry where it was', async () => {
    const { steps, order, used } = await customer(3n * token);
    const job = await order(1n);
    await steps.place(job, 'atlas', token);
    await steps.run(job, new Date());
    await steps.extend(job, 'one', 3_600);
    await expect(steps.extend(job, 'two', 2 * 3_600)).rejects.toMatchObject(reached);
    const { rows } = await database.pool.query('select expires_at - started_at as lasts from jobs where job_id = $1', [
      job.jobId,
    ]);
    expect(rows).toMatchObject([{ lasts: { hours: 2 } }]);
    expect(await used()).toBe(2n);
  });

  test('a placement that costs more than was reserved is refused above the cap, and a cheaper one is not', async () => {
    const { order, used } = await customer(3n * token);
    const job = await order(2n);
    const place = (amount: bigint, attempt: number) =>
      withTransaction(database.pool, (tx) => reserveAtPlacement(tx, { jobId: job.jobId, attempt, amount }));
    await expect(place(4n * token, 1)).rejects.toMatchObject(reached);
    expect(await used()).toBe(2n);
    expect(await place(token, 1)).toEqual([]);
    expect(await used()).toBe(1n);
  });

  test('a placement is held to the cap with all that it adds to the ledger, also what an older version had raised before', async () => {
    const { order, session, used } = await customer(3n * token);
    const job = await order(2n);
    // As a version without a ledger places at a dearer machine.
    await database.pool.query('update auth_charges set reserved = $2 where job_id = $1', [
      job.jobId,
      String(4n * token),
    ]);
    await database.pool.query('update auth_sessions set reserved = $2 where id = $1', [session, String(4n * token)]);
    const place = (amount: bigint) =>
      withTransaction(database.pool, (tx) => reserveAtPlacement(tx, { jobId: job.jobId, attempt: 1, amount }));
    await expect(place(4n * token)).rejects.toMatchObject({ ...reached, extra: { required: String(2n * token) } });
    expect(await place(3n * token)).toMatchObject([{ limit: 'monthly_cap', used: 3n * token }]);
    expect(await used()).toBe(3n);
  });

  test('a job for which the cap leaves no machine fails before it starts, says why, and holds nothing', async () => {
    const { order, setCap, used } = await customer(10n * token);
    const job = await order(0n);
    await setCap(0n);
    await expect(rentals(database.pool).records.placeJob(job)).rejects.toMatchObject({
      message: expect.stringContaining('costs more than the monthly cap of the wallet leaves'),
    });
    expect(await used()).toBe(0n);
    const { rows } = await database.pool.query('select from allocations where job_id = $1', [job.jobId]);
    expect(rows).toEqual([]);
  });

  test('a cap that is lowered below what is used ends nothing and refuses the next order', async () => {
    const { steps, order, setCap, used } = await customer(10n * token);
    const job = await order(6n);
    await setCap(token);
    await expect(order(1n)).rejects.toMatchObject({ ...reached, extra: { remaining: '0' } });
    // The job goes its way: its placement may cost less, and its end is booked.
    await steps.place(job, 'atlas', 5n * token);
    const startedAt = new Date(Date.now() - 2 * hourMs);
    await steps.run(job, startedAt);
    await steps.end(job, new Date(startedAt.getTime() + hourMs));
    expect(await used()).toBe(5n);
  });

  test('an order that reserves nothing is taken above the cap', async () => {
    const { order, setCap } = await customer(10n * token);
    await order(5n);
    await setCap(0n);
    await order(0n);
  });

  test('a month begins without charges, and with what is reserved of jobs that run over its turn', async () => {
    const { cost, order, cap } = await customer(10n * token);
    await cost(3n);
    await order(2n);
    const now = await cap();
    expect(now).toMatchObject({ charged: 3n * token, reserved: 2n * token });
    const later = nextMonth(now.resetsAt);
    expect(await cap(later)).toMatchObject({ charged: 0n, reserved: 2n * token });
    // The last moment of this month, and the first one of the next.
    const turn = now.resetsAt.getTime();
    expect(await cap(new Date(turn - 1))).toMatchObject({ charged: 3n * token, resetsAt: now.resetsAt });
    expect((await cap(new Date(turn))).charged).toBe(0n);
  });

  test('a refund makes room in the month of the charge, and none in a later one', async () => {
    const { cost, wallet, used } = await customer(10n * token);
    const job = await cost(6n);
    const refund = () =>
      withTransaction(database.pool, (tx) =>
        refundJob(tx, { jobId: job.jobId, amount: token, reason: 'slow', by: '0x', requestKey: randomUUID() }),
      );
    await refund();
    expect(await used()).toBe(5n);
    await withoutLedgerTriggers(database.pool, async (tx) => {
      const mine = `(select entry_id from ledger_lines join ledger_accounts a on a.id = account_id where a.owner = '${wallet}')`;
      await tx.query(`update ledger_lines set at = at - interval '32 days' where entry_id in ${mine}`);
      await tx.query(`update ledger_entries set at = at - interval '32 days' where id in ${mine}`);
      await tx.query(
        'update wallet_months set month = (select month from ledger_months where wallet = $1) where wallet = $1',
        [wallet],
      );
    });
    await refund();
    expect(await used()).toBe(0n);
    const { rows } = await database.pool.query('select charged::text from wallet_months where wallet = $1', [wallet]);
    expect(rows).toEqual([{ charged: String(4n * token) }]);
  });

  test('what an older version settled long ago does not count in the month in which it is booked', async () => {
    const { session, used, wallet } = await customer(10n * token);
    const settle = async (settledAt: Date) => {
      const jobId = randomUUID();
      await database.pool.query(
        `insert into auth_charges (job_id, request_id, session_id, reserved, spent, created_at, settled_at)
         values ($1, '', $2, $3, $3, $4, $4)`,
        [jobId, session, String(6n * token), settledAt],
      );
      await withTransaction(database.pool, (tx) => bookCharges(tx, jobId));
    };
    await settle(new Date('2020-02-29T23:59:59.999Z'));
    expect(await used()).toBe(0n);
    const { rows } = await database.pool.query(
      'select month::text, charged::text from wallet_months where wallet = $1',
      [wallet],
    );
    expect(rows).toEqual([{ month: '2020-02-01', charged: String(6n * token) }]);
    await settle(new Date());
    expect(await used()).toBe(6n);
  });

  test('a wallet without a cap spends what its sessions allow', async () => {
    const { order, wallet } = await customer();
    await order(1_000n);
    expect(await readMonthlyCap(database.pool, wallet)).toBeUndefined();
  });

  test('a cap goes after a year if its wallet has neither a session nor a booking, and stays otherwise', async () => {
    const { pool } = database;
    const gone = `0x${'9'.repeat(40)}`;
    const { wallet } = await customer(token);
    await withTransaction(pool, (tx) => writeMonthlyCap(tx, gone, token));
    expect(await pruneMonthlyCaps(pool, new Date(Date.now() - hourMs))).toBe(0);
    expect(await pruneMonthlyCaps(pool, new Date(Date.now() + hourMs))).toBe(1);
    const { items } = await listAudit(pool, { target: gone, limit: 10 });
    expect(items).toMatchObject([
      {
        ...{ actor: 'broker', action: 'wallet.monthly_cap' },
        detail: { from: String(token), to: null, why: 'unused for a year' },
      },
    ]);
    expect(await readMonthlyCap(pool, gone)).toBeUndefined();
    expect(await readMonthlyCap(pool, wallet)).toBeDefined();
  });
});

describe('the warning at 80 % of a limit', () => {
  const near = async (of: Awaited<ReturnType<typeof customer>>) =>
    (await of.events()).filter(({ kind }) => kind === 'limit_near').map(({ text, data }) => ({ text, ...data }));

  test('an extension that takes the cap to 80 % is told once, after the event of the extension', async () => {
    const of = await customer(10n * token);
    const job = await of.order(4n);
    await of.steps.place(job, 'atlas', 4n * token);
    await of.steps.run(job, new Date());
    expect(await near(of)).toEqual([]);
    await of.steps.extend(job, 'one', 3_600);
    const { resetsAt } = await of.cap();
    expect((await of.events()).map(({ kind }) => kind).slice(-2)).toEqual(['extended', 'limit_near']);
    expect(await near(of)).toEqual([
      {
        text: `80 % of the monthly cap of 10 tokens is used until ${resetsAt.toISOString().slice(0, 10)}`,
        ...{ limit: 'monthly_cap', percent: 80, used: String(8n * token), amount: String(10n * token) },
        resets_at: resetsAt.toISOString(),
      },
    ]);
    await of.steps.extend(job, 'two', 600);
    expect(await near(of)).toHaveLength(1);
  });

  test('a login that has used 80 % of its limit is told so, and again only after it was below', async () => {
    const of = await customer();
    await database.pool.query('update auth_sessions set spend_limit = $2 where id = $1', [
      of.session,
      String(10n * token),
    ]);
    const job = await of.order(7n);
    await of.steps.place(job, 'atlas', 7n * token);
    await of.steps.run(job, new Date());
    await of.steps.extend(job, 'one', 600);
    await of.steps.extend(job, 'two', 60);
    expect(await near(of)).toMatchObject([
      { text: '81 % of the limit of the login of 10 tokens is used', limit: 'session' },
    ]);
    await of.steps.end(job, new Date());
    const next = await of.order(7n);
    await of.steps.place(next, 'atlas', 7n * token);
    await of.steps.run(next, new Date());
    await of.steps.extend(next, 'one', 600);
    expect(await near(of)).toHaveLength(2);
  });

  test('of many orders at once, the one that crosses is told, and no other', async () => {
    const of = await customer(20n * token);
    const jobs = await Promise.all(Array.from({ length: 10 }, () => of.order(1n)));
    for (const job of jobs) {
      await of.steps.place(job, 'atlas', token);
      await of.steps.run(job, new Date());
    }
    await Promise.all(jobs.map((job) => of.steps.extend(job, 'one', 3_600)));
    expect(await near(of)).toMatchObject([{ percent: 80 }]);
  });
});
