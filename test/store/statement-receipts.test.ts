import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { refundJob } from '../../src/billing/refund.js';
import { monthRange } from '../../src/api/schemas/money.js';
import { connectionOptions, withTransaction } from '../../src/db/pool.js';
import { statementReceipts } from '../../src/db/statement-receipts.js';
import { bookCharges } from '../../src/db/unbooked.js';
import { walletStatement } from '../../src/db/wallet-money.js';
import { receiptViolations } from '../chaos/receipts.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';
import { testUnless } from '../support/needs.js';
import { missingPython } from '../support/receipt-verifier.js';
import { receiptKey, rentals } from '../support/receipts.js';

let database: TestDatabase;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
  await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
});
afterAll(() => database.close());

let people = 0;
async function customer() {
  const wallet = `0x${(++people).toString(16).padStart(40, '0')}`;
  const sessionId = await putSession(pool(), wallet);
  const site = rentals(pool(), { key: receiptKey });
  return {
    wallet,
    sessionId,
    async ended(refunds: readonly bigint[] = []) {
      const order = await site.running(sessionId, wallet, { servedMs: 600_123 });
      await site.end(order);
      for (const amount of refunds) {
        await withTransaction(pool(), (tx) =>
          refundJob(tx, { jobId: order.jobId, amount, reason: 'slow', by: '0x', requestKey: randomUUID() }),
        );
      }
    },
    async month(at = new Date()) {
      const { from, to } = monthRange(at.toISOString().slice(0, 7));
      const [{ charged, refunded }, receipts] = await Promise.all([
        walletStatement(pool(), wallet, from, to),
        statementReceipts(pool(), wallet, from, to),
      ]);
      return { ...receipts, without: charged - refunded - receipts.net };
    },
  };
}

test('the receipts of a month come to what it charged less what it refunded, however often a job was refunded', async () => {
  const { ended, month } = await customer();
  await ended();
  await ended([5n, 7n]);
  expect(await month()).toMatchObject({ first: 1, newest: { number: 4 }, without: 0n });
});

test('a month without receipts names the newest one before it, and one before all names none', async () => {
  const { ended, month } = await customer();
  await ended();
  const later = await month(new Date(Date.now() + 40 * 86_400_000));
  expect([later.first, later.newest?.number, later.net]).toEqual([undefined, 1, 0n]);
  expect(await month(new Date(Date.now() - 40 * 86_400_000))).toEqual({ net: 0n, without: 0n });
});

test('what a version without receipts settled stands as what no receipt is for', async () => {
  const { sessionId, month } = await customer();
  const jobId = randomUUID();
  await pool().query(
    `insert into auth_charges (job_id, request_id, session_id, reserved, spent, settled_at) values ($1, '', $2, 9, 9, now())`,
    [jobId, sessionId],
  );
  await withTransaction(pool(), (tx) => bookCharges(tx, jobId));
  expect((await month()).without).toBe(9n);
});

testUnless(missingPython())('chaos compares the receipts of each customer with his statements', async () => {
  const [one, other] = [await customer(), await customer()];
  await one.ended([3n]);
  await other.ended();
  const client = new pg.Client(connectionOptions(database.config));
  await client.connect();
  const rows = async (sql: string) => (await client.query(sql)).rows.map((row) => JSON.stringify(row));
  // Refunds are signed by the sweep, which chaos has: here they only may not be wrong.
  const found = await receiptViolations(client, rows).finally(() => client.end());
  expect(found.filter((line) => !/not signed yet|nothing is wrong/.test(line))).toEqual([]);
});
