import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PoolClient, QueryConfig } from 'pg';
import { reserveSpend } from '../../src/billing/spend.js';
import { withTransaction, type Queryable } from '../../src/db/pool.js';
import { lockMonthlyCap, readMonthlyCap, usedOf, writeMonthlyCap } from '../../src/db/spending-caps.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';
import { until } from '../support/until.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

let count = 0;
/** A wallet that has never ordered: it has no account in the ledger. */
async function newcomer() {
  const wallet = `0x${(++count).toString(16).padStart(40, '0')}`;
  return { wallet, sessionId: await putSession(database.pool, wallet) };
}
const order = (tx: PoolClient, sessionId: string, amount = 1n) =>
  reserveSpend(tx, { jobId: randomUUID(), sessionId, amount });
const setCap = async (tx: PoolClient, wallet: string, amount: bigint) => {
  await lockMonthlyCap(tx, wallet);
  await writeMonthlyCap(tx, wallet, amount);
};

/** An open transaction, and whether another one waits for it. */
async function opened(work: (tx: PoolClient) => Promise<unknown>) {
  const tx = await database.pool.connect();
  await tx.query('begin');
  await work(tx);
  const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
  const isWaitedFor = async () => {
    const { rowCount } = await database.pool.query(
      'select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))',
      [rows[0]!.pid],
    );
    return rowCount !== 0;
  };
  const commit = async () => {
    await tx.query('commit');
    tx.release();
  };
  return { commit, isWaitedFor };
}

test('a first order waits for whoever sets the cap of its wallet, and is held to it', async () => {
  const { wallet, sessionId } = await newcomer();
  const setting = await opened((tx) => setCap(tx, wallet, 0n));
  let outcome: string | undefined;
  const ordering = withTransaction(database.pool, (tx) => order(tx, sessionId)).then(
    () => (outcome = 'taken'),
    ({ code }: { code: string }) => (outcome = code),
  );
  await until(async () => outcome !== undefined || (await setting.isWaitedFor()), { name: 'the order waits' });
  await setting.commit();
  await ordering;
  expect(outcome).toBe('monthly_cap_reached');
});

test('a cap that is set during the first order of its wallet is written after it', async () => {
  const { wallet, sessionId } = await newcomer();
  const ordering = await opened((tx) => order(tx, sessionId));
  const told: string[] = [];
  const setting = withTransaction(database.pool, (tx) => setCap(tx, wallet, 0n)).then(() => told.push('cap'));
  await until(async () => told.length > 0 || (await ordering.isWaitedFor()), { name: 'the cap waits' });
  told.push('order');
  await ordering.commit();
  await setting;
  expect(told).toEqual(['order', 'cap']);
});

test('orders and changes of the cap at once never wait for each other in a circle, and none is above the cap of its moment', async () => {
  const { wallet, sessionId } = await newcomer();
  const steps = Array.from({ length: 60 }, (_, at) =>
    withTransaction(database.pool, async (tx) => {
      if (at % 3 === 0) await setCap(tx, wallet, BigInt(at % 2 === 0 ? 20 : 10));
      else await order(tx, sessionId);
    }),
  );
  for (const step of await Promise.allSettled(steps)) {
    if (step.status === 'rejected') expect(step.reason).toMatchObject({ code: 'monthly_cap_reached' });
  }
  await withTransaction(database.pool, (tx) => setCap(tx, wallet, 20n));
  const cap = await readMonthlyCap(database.pool, wallet);
  expect(usedOf(cap!)).toBeLessThanOrEqual(20n);
});

test('what is used of a cap is read without the lines of the ledger, however many there are', async () => {
  const { wallet } = await newcomer();
  const relations: string[] = [];
  const explain = async ({ text }: QueryConfig, values: unknown[]) => {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (format json) ${text}`,
      values,
    );
    relations.push(...relationsOf(rows[0]!['QUERY PLAN'][0].Plan));
    return { rows: [] };
  };
  await readMonthlyCap({ query: explain } as unknown as Queryable, wallet);
  expect(relations.sort()).toEqual(['ledger_accounts', 'spending_caps', 'wallet_months']);
});

interface Plan {
  'Relation Name'?: string;
  Plans?: Plan[];
}
const relationsOf = (plan: Plan): string[] => [
  ...(plan['Relation Name'] === undefined ? [] : [plan['Relation Name']]),
  ...(plan.Plans ?? []).flatMap(relationsOf),
];
