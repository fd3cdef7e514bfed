import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createMoneyComparison } from '../../activities/reconciler/money.js';
import { readLedgerChecks } from '../../src/db/ledger-checks.js';
import { migrate } from '../../src/db/migrate.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { createPool, withTransaction } from '../../src/db/pool.js';
import { bookCharges, countUnbooked, listUnbookable, unbookedJobs } from '../../src/db/unbooked.js';
import { ledgerUnbookable, ledgerUnbooked } from '../../src/observability/metrics.js';
import { databaseOf010, kept, using } from '../migrations/kept.js';
import { carryOut } from '../support/activity.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession, testWallet } from '../support/fleet.js';
import { balances, moneySteps } from '../support/money.js';
import { receiptSite } from '../support/receipts.js';

const token = 10n ** 18n;
const logger = pino({ level: 'silent' });

describe('a database of 0.1.0', () => {
  test('the first comparison books all that 0.1.0 left, the second one nothing, and money does not differ', async () => {
    await using(databaseOf010, async (config, pool) => {
      await migrate(config);
      expect(await countUnbooked(pool, 100)).toBe(9);
      const { compareMoney } = createMoneyComparison({ pool, logger, config: receiptSite });
      expect(await carryOut(compareMoney)).toEqual({ booked: 8, repairs: {}, failures: [] });
      const charge = 40_466_666_666_666_667n;
      const held = 10n * token + 485_600_000_000_000_000n;
      const after = await balances(pool);
      expect(after).toEqual({
        [`customer ${kept.customer}`]: -held - charge,
        [`reserved ${kept.customer}`]: held,
        [`provider ${kept.owner}`]: charge,
      });
      const { rows } = await pool.query<{ note: object }>(
        `select note from ledger_entries where key = 'settle/' || $1::text`,
        [kept.jobs.completed],
      );
      expect(rows).toEqual([{ note: { backfilled: true, settled_at: '2026-11-26T06:27:01.991Z' } }]);
      const count = () => pool.query<{ n: number }>('select count(*)::int as n from ledger_entries');
      const before = (await count()).rows;
      expect(await carryOut(compareMoney)).toEqual({ booked: 0, repairs: {}, failures: [] });
      expect((await count()).rows).toEqual(before);
      expect(await balances(pool)).toEqual(after);
      expect((await ledgerUnbooked.get()).values[0]!.value).toBe(0);
      const { differs, full } = await readLedgerChecks(pool);
      expect([differs, full.filter(({ comparedAt }) => comparedAt === undefined)]).toEqual([{}, []]);
    });
  });

  test('eight that book the same jobs at once book each once', async () => {
    await using(databaseOf010, async (config, pool) => {
      await migrate(config);
      const jobs = Object.values(kept.jobs);
      const all = await Promise.all(
        Array.from({ length: 8 }, () =>
          Promise.all(jobs.map((jobId) => withTransaction(pool, (tx) => bookCharges(tx, jobId)))),
        ),
      );
      expect(all.flat().filter(Boolean)).toHaveLength(jobs.length);
      expect(await countUnbooked(pool, 100)).toBe(0);
      expect(await differingMoney(pool, 'everything')).toEqual([]);
    });
  });
});

describe('a rollout in which older pods still write', () => {
  let database: TestDatabase;
  let sessionId: string;
  let steps: ReturnType<typeof moneySteps>;
  const pool = () => database.pool;
  beforeEach(async () => {
    database = await freshDatabase();
    sessionId = await putSession(pool(), testWallet);
    steps = moneySteps(pool());
  });
  afterEach(() => database.close());

  /** What the statements of a version without the ledger do. */
  const old = {
    order: (jobId: string, amount: bigint) =>
      pool().query(
        `with charge as (
           insert into auth_charges (job_id, request_id, session_id, reserved, ordered) values ($1, '', $2, $3, $3))
         update auth_sessions set reserved = reserved + $3 where id = $2`,
        [jobId, sessionId, amount.toString()],
      ),
    place: (jobId: string, amount: bigint) =>
      pool().query(
        `with paid as (
           update auth_sessions s set reserved = s.reserved - c.reserved + $2
             from auth_charges c where c.job_id = $1 and c.session_id = s.id)
         update auth_charges set reserved = $2 where job_id = $1`,
        [jobId, amount.toString()],
      ),
    settle: (jobId: string, spent: bigint) =>
      pool().query(
        `with paid as (
           update auth_sessions s set reserved = s.reserved - c.reserved, spent = s.spent + $2
             from auth_charges c where c.job_id = $1 and c.session_id = s.id)
         update auth_charges set spent = $2, settled_at = now() where job_id = $1`,
        [jobId, spent.toString()],
      ),
  };
  const catchUp = async () => {
    const { compareMoney } = createMoneyComparison({ pool: pool(), logger, config: receiptSite });
    const { booked, failures } = await carryOut(compareMoney);
    expect([failures, await differingMoney(pool(), 'everything')]).toEqual([[], []]);
    return booked;
  };
  const entriesOf = async (jobId: string) => {
    const { rows } = await pool().query<{ key: string }>(
      'select key from ledger_entries where job_id = $1 order by id',
      [jobId],
    );
    return rows.map(({ key }) => key.replace(jobId, 'J'));
  };
  /** An order that an older pod took. */
  const orderedBefore = async (amount: bigint) => {
    const order = await steps.order(sessionId, testWallet, 0n);
    await pool().query('delete from auth_charges where job_id = $1', [order.jobId]);
    await old.order(order.jobId, amount);
    return order;
  };

  test('whatever an older pod does between the steps of a newer one is caught up, and books the same', async () => {
    const whole = await orderedBefore(5n * token);
    await old.place(whole.jobId, 3n * token);
    await old.settle(whole.jobId, token);
    const placedByNew = await orderedBefore(5n * token);
    await steps.place(placedByNew, 'atlas', 2n * token);
    const settledByNew = await orderedBefore(5n * token);
    await steps.end(settledByNew, new Date());
    const settledByOld = await steps.order(sessionId, testWallet, 2n * token);
    await steps.place(settledByOld, 'atlas', token, { feeBps: 1_000 });
    await old.settle(settledByOld.jobId, token / 2n);
    const placedByOld = await steps.order(sessionId, testWallet, 2n * token);
    await old.place(placedByOld.jobId, token);
    expect(await catchUp()).toBe(3);
    expect(await entriesOf(whole.jobId)).toEqual(['reserve/J/', 'settle/J']);
    expect(await entriesOf(placedByNew.jobId)).toEqual(['reserve/J/', 'trim/J/1']);
    expect(await entriesOf(settledByNew.jobId)).toEqual(['reserve/J/', 'settle/J']);
    expect(await entriesOf(settledByOld.jobId)).toEqual(['reserve/J/', 'trim/J/1', 'settle/J']);
    expect(await entriesOf(placedByOld.jobId)).toEqual(['reserve/J/', 'trim/J/late/1']);
    // The fee was frozen by the newer pod that placed it.
    expect(await balances(pool())).toMatchObject({ fees: token / 20n, 'unclaimed atlas': (token * 9n) / 20n });
    await old.place(placedByOld.jobId, 3n * token);
    await steps.place(placedByOld, 'atlas', 2n * token);
    await steps.end(placedByOld, new Date());
    expect(await catchUp()).toBe(0);
    expect(await entriesOf(placedByOld.jobId)).toEqual(['reserve/J/', 'trim/J/late/1', 'trim/J/1', 'settle/J']);
  });

  test('a reservation that an older pod raises and settles, or leaves to be settled, is booked before it is paid', async () => {
    const raised = async () => {
      const order = await steps.order(sessionId, testWallet, token);
      await steps.place(order, 'atlas', token);
      await old.place(order.jobId, 3n * token);
      return order;
    };
    const byOld = await raised();
    await old.settle(byOld.jobId, 2n * token);
    expect(await catchUp()).toBe(1);
    expect(await entriesOf(byOld.jobId)).toEqual(['reserve/J/', 'trim/J/late/1', 'settle/J']);
    const byNew = await raised();
    await pool().query('update jobs set rate = $2 where job_id = $1', [byNew.jobId, String(3n * token)]);
    await steps.run(byNew, new Date(Date.now() - 3_600_000));
    const settled = await steps.end(byNew, new Date(Date.now() + 60_000));
    expect(settled).toMatchObject({ charged: 3n * token, reserved: 3n * token });
    expect(await entriesOf(byNew.jobId)).toEqual(['reserve/J/', 'trim/J/late/1', 'settle/J']);
    expect(await differingMoney(pool(), 'everything')).toEqual([]);
  });

  test('a job that an older pod placed has no fee: its customer pays the same, and its provider earns all of it', async () => {
    const order = await orderedBefore(2n * token);
    await old.place(order.jobId, token);
    await pool().query(
      `update jobs set status = 'provisioning', provider_id = 'borealis', price_per_hour = 1, phase = 'placed' where job_id = $1`,
      [order.jobId],
    );
    await steps.run(order, new Date(Date.now() - 3_600_000));
    const settled = await steps.end(order, new Date(Date.now() + 60_000));
    expect(settled).toMatchObject({ charged: token, fee: 0n, earned: token, feeBps: 0 });
    expect(await balances(pool())).toMatchObject({ 'unclaimed borealis': token });
    const { rows } = await pool().query<{ message: Record<string, string> }>(
      'select message from receipts where job_id = $1',
      [order.jobId],
    );
    expect(rows[0]!.message).toMatchObject({ feeBps: 0, fee: '0', earned: String(token) });
    expect(await differingMoney(pool(), 'everything')).toEqual([]);
  });

  test('a job that an older pod moves costs what it costs there, and has no fee any more', async () => {
    const order = await steps.order(sessionId, testWallet, 2n * token);
    await steps.place(order, 'atlas', 2n * token, { feeBps: 1_000 });
    // As 0.1.0 moves and places: it knows neither rates nor fees.
    await pool().query(
      `update jobs set status = 'pending', provider_id = null, price_per_hour = null where job_id = $1`,
      [order.jobId],
    );
    await old.place(order.jobId, token);
    await pool().query(
      `update jobs set status = 'provisioning', provider_id = 'corona', price_per_hour = 0.5 where job_id = $1`,
      [order.jobId],
    );
    await steps.run(order, new Date(Date.now() - 3_600_000));
    const settled = await steps.end(order, new Date(Date.now() + 60_000));
    expect(settled).toMatchObject({ charged: token / 2n, feeBps: 0, rate: token / 2n });
    expect(await balances(pool())).toMatchObject({ 'unclaimed corona': token / 2n });
    expect(await catchUp()).toBe(0);
  });

  test('jobs that cannot be booked hold up no others, are listed with their reason, and are tried again later', async () => {
    // More than one look for unbooked jobs finds, and older than the one that can be booked.
    const { rows } = await pool().query<{ job_id: string }>(
      `with jobs as (select gen_random_uuid() as job_id from generate_series(1, 205)),
            charges as (insert into auth_charges (job_id, request_id, session_id, reserved, created_at)
                        select job_id, '', $1, 1, now() - interval '1 day' from jobs),
            held as (update auth_sessions set reserved = reserved + 205 where id = $1),
            taken as (select job_id, ledger_post('reserve/' || job_id || '/', 'adjust', null, '{}', '{}', '{}', '{}') from jobs)
       select job_id from taken order by job_id`,
      [sessionId],
    );
    const good = await orderedBefore(token);
    const { compareMoney } = createMoneyComparison({ pool: pool(), logger, config: receiptSite });
    expect((await carryOut(compareMoney)).booked).toBe(1);
    expect(await entriesOf(good.jobId)).toEqual(['reserve/J/']);
    const listed = await listUnbookable(pool(), 1_000);
    expect(listed.map(({ jobId }) => jobId).sort()).toEqual(rows.map(({ job_id }) => job_id));
    expect(listed[0]!.reason).toMatch(/^the key reserve\/\S+ stands for another booking$/);
    expect((await ledgerUnbookable.get()).values[0]!.value).toBe(205);
    // At once nothing is tried again; later all of it is, and what can be booked by then is forgotten.
    expect(await unbookedJobs(pool(), 1_000)).toEqual([]);
    await pool().query(`update ledger_unbookable set tried_at = now() - interval '11 minutes'`);
    expect(await unbookedJobs(pool(), 1_000)).toHaveLength(205);
    await pool().query('delete from auth_charges where job_id = any ($1)', [rows.map(({ job_id }) => job_id)]);
    await pool().query('update auth_sessions set reserved = reserved - 205 where id = $1', [sessionId]);
    expect(await catchUp()).toBe(0);
    expect(await listUnbookable(pool(), 1_000)).toEqual([]);
  });

  test('a job whose rows somebody holds is no job that cannot be booked, and is booked a while later before all others', async () => {
    const held = await orderedBefore(token);
    await pool().query(`update auth_charges set created_at = now() - interval '1 day'`);
    const good = await orderedBefore(token);
    await pool().query(`alter database "${database.config.POSTGRES_DB}" set lock_timeout = '200ms'`);
    const impatient = createPool(database.config);
    const holder = await pool().connect();
    await holder.query('begin');
    await holder.query('select from auth_charges where job_id = $1 for update', [held.jobId]);
    const { compareMoney } = createMoneyComparison({ pool: impatient, logger, config: receiptSite });
    const { booked, failures } = await carryOut(compareMoney).finally(async () => {
      await holder.query('rollback');
      holder.release();
      await impatient.end();
    });
    expect([booked, failures]).toEqual([1, [expect.stringMatching(/^booking of job .*lock timeout/)]]);
    expect(await entriesOf(good.jobId)).toEqual(['reserve/J/']);
    expect(await listUnbookable(pool(), 10)).toEqual([]);
    expect((await ledgerUnbookable.get()).values[0]!.value).toBe(0);
    const waiting = await orderedBefore(token);
    expect(await unbookedJobs(pool(), 10)).toEqual([waiting.jobId]);
    await pool().query(`update ledger_unbookable set tried_at = now() - interval '11 minutes'`);
    expect(await unbookedJobs(pool(), 10)).toEqual([held.jobId, waiting.jobId]);
    expect(await catchUp()).toBe(2);
    const { rows } = await pool().query('select from ledger_unbookable');
    expect(rows).toEqual([]);
  });
});
