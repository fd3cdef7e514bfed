import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordPayment, recordPayout } from '../../src/billing/by-hand.js';
import { refundJob } from '../../src/billing/refund.js';
import { claimEarnings } from '../../src/db/claims.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { withTransaction, type Transaction } from '../../src/db/pool.js';
import { BrokerError } from '../../src/domain/errors.js';
import type { JobOrder } from '../../src/domain/job.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';
import { balances, moneySteps, proveWallet } from '../support/money.js';
import { createRandom } from '../support/random.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const operations = 2_000;
const clients = 8;
const seed = Number(process.env['MONEY_SEED'] ?? Math.floor(Math.random() * 1e9));
const wallets = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}`);
const providers = ['atlas', 'borealis', 'corona'];
/** Rates whose charges and fees leave a rest at every division. */
const rates = [1n, 999n, 1_234_567_890_123_456_789n, 7n * 10n ** 17n];

/** Undone on purpose, at the end of its transaction. */
class Undone extends Error {}

interface Known {
  order: JobOrder;
  attempt: number;
  startedAt?: Date;
}

/** What may come of a step that comes at the wrong time, or whose connection was killed. */
const isExpected = (error: unknown) =>
  error instanceof Undone ||
  (error instanceof BrokerError &&
    /^(dependency_unavailable|job_ended|job_not_running|refund_exceeds_charge|payout_exceeds_earnings|idempotency_conflict)$/.test(
      error.code,
    ));

test(`after ${operations} steps by ${clients} clients, with killed connections, money is the same wherever it is written (seed ${seed})`, async () => {
  const { pool } = database;
  const sessions = await Promise.all(
    wallets.flatMap((wallet) => [0, 1].map(async () => ({ wallet, id: await putSession(pool, wallet) }))),
  );
  await proveWallet(pool, 'atlas', wallets[0]!);
  const known: Known[] = [];
  const ended: JobOrder[] = [];
  let [done, killed, isOver] = [0, 0, false];
  const killer = async () => {
    const random = createRandom(seed + 99);
    while (!isOver) {
      await sleep(random.whole(5, 60));
      const { rowCount } = await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
          order by backend_start limit 1`,
      );
      killed += rowCount ?? 0;
    }
  };
  const killing = killer();
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
  isOver = true;
  await killing;

  async function client(n: number): Promise<void> {
    const random = createRandom(seed + n);
    const steps = moneySteps(pool, () => {
      if (random.next() < 0.08) throw new Undone();
    });
    for (let step = 0; step < operations / clients; step++) {
      try {
        await oneOf(steps, random, `${n}-${step}`);
        done++;
      } catch (error) {
        if (!isExpected(error)) throw error;
      }
    }
  }

  async function oneOf(steps: ReturnType<typeof moneySteps>, random: ReturnType<typeof createRandom>, key: string) {
    const inOne = <T>(work: (tx: Transaction) => Promise<T>) =>
      withTransaction(pool, async (tx) => {
        const result = await work(tx);
        if (random.next() < 0.08) throw new Undone();
        return result;
      });
    const job = known.length === 0 ? undefined : known[random.whole(Math.max(0, known.length - 12), known.length - 1)]!;
    const dice = random.next();
    if (job === undefined || dice < 0.2) {
      const { wallet, id } = random.pick(sessions);
      const order = await steps.order(id, wallet, random.next() < 0.1 ? 0n : random.pick(rates) * 2n);
      known.push({ order, attempt: 0 });
      return;
    }
    const { order } = job;
    if (dice < 0.4 && job.startedAt === undefined) {
      // Counted before it is known whether it is committed: no two placements of a job have the same number.
      const attempt = ++job.attempt;
      if (attempt > 1) await steps.leave(order);
      const feeBps = random.pick([0, 1, 333, 1_000]);
      await steps.place(order, random.pick(providers), random.pick(rates), { attempt, feeBps });
      // Most start where they are placed first, so that there is something to charge.
      if (random.next() < 0.6) await begin(steps, job, random);
    } else if (dice < 0.55 && job.attempt > 0) {
      await begin(steps, job, random);
    } else if (dice < 0.7) {
      const { id } = random.pick(sessions.filter(({ wallet }) => wallet === order.wallet));
      await steps.extend(order, random.pick(['x', 'y', key]), random.whole(1, 3) * 600, id);
    } else if (dice < 0.85) {
      const settled = await steps.end(order, new Date());
      if ((settled?.charged ?? 0n) > 0n) ended.push(order);
    } else if (dice < 0.96 && ended.length > 0) {
      const refund = { amount: BigInt(random.whole(1, 60)), reason: 'storm', by: wallets[0]!, requestKey: key };
      const { jobId } = random.pick(ended);
      await inOne((tx) => refundJob(tx, { jobId, ...refund }));
    } else if (dice < 0.985) {
      const booking = { wallet: wallets[0]!, amount: BigInt(random.whole(1, 40)), reference: 'storm', by: wallets[1]! };
      const record = random.next() < 0.5 ? recordPayout : recordPayment;
      // Repeated at once, as by a client that waits no longer: one of them books.
      const twice = [0, 1].map(() => inOne((tx) => record(tx, { ...booking, requestKey: `${key}-${record.name}` })));
      const outcomes = await Promise.allSettled(twice);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } else {
      const providerId = random.pick(providers.slice(1));
      if (random.next() < 0.1) await proveWallet(pool, providerId, wallets[1]!).catch(() => undefined);
      await inOne((tx) => claimEarnings(tx, providerId));
    }
  }

  async function begin(steps: ReturnType<typeof moneySteps>, job: Known, random: ReturnType<typeof createRandom>) {
    job.startedAt ??= new Date(Date.now() - random.whole(0, 7_200_000));
    await steps.run(job.order, job.startedAt);
  }

  expect(await differingMoney(pool, 'everything')).toEqual([]);
  const { rows } = await pool.query<Record<string, number>>(
    `select count(*) filter (where kind = 'settle')::int as settled, count(*) filter (where kind = 'refund')::int as refunds,
            count(*) filter (where kind = 'trim')::int as trims,
            count(*) filter (where kind = 'payout')::int as payouts, count(*) filter (where kind = 'deposit')::int as payments, count(*) filter (where key like 'reserve/%/_%')::int as extensions,
            count(*) filter (where kind <> 'settle'
                               and not exists (select from ledger_lines l where l.entry_id = e.id))::int as empty,
            (select count(*)::int from jobs j where ended_at is not null
                and not exists (select from ledger_entries s where s.key = 'settle/' || j.job_id)) as unsettled,
            (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks
       from ledger_entries e`,
  );
  expect(rows[0]).toMatchObject({ empty: 0, unsettled: 0, deadlocks: 0 });
  // Enough happened for this to mean something.
  expect([done > operations / 2, killed > 3]).toEqual([true, true]);
  for (const kind of ['settled', 'refunds', 'trims', 'extensions', 'payouts', 'payments'])
    // Seeds are drawn anew in each run, and with some of them the rarer kinds happen only once or twice.
    expect([kind, rows[0]![kind]! > 0]).toEqual([kind, true]);

  // What is left open ends, and then nothing is reserved any more and all money is somebody's.
  const steps = moneySteps(pool);
  for (const { order } of known) await steps.end(order, new Date());
  const left = await balances(pool);
  expect(Object.keys(left).filter((account) => account.startsWith('reserved'))).toEqual([]);
  expect(Object.values(left).reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
  expect(await differingMoney(pool, 'everything')).toEqual([]);
}, 180_000);
