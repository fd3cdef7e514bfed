import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordPayment, recordPayout } from '../../src/billing/by-hand.js';
import { claimEarnings } from '../../src/db/claims.js';
import { postEntry } from '../../src/db/ledger.js';
import { withTransaction } from '../../src/db/pool.js';
import { listUnreceipted } from '../../src/db/settlement-evidence.js';
import { newWallet } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { proveWallet } from '../support/money.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

test('what moves money without a receipt is listed page by page: claims with their proof, and what was paid by hand', async () => {
  const { pool } = database;
  const [wallet, by] = [newWallet().address.toLowerCase(), newWallet().address.toLowerCase()];
  await withTransaction(pool, (tx) =>
    postEntry(tx, {
      ...{ key: 'adjust/1', kind: 'adjust' },
      lines: [
        { kind: 'manual', owner: '', amount: -100n },
        { kind: 'unclaimed', owner: 'node-1', amount: 100n },
      ],
    }),
  );
  await proveWallet(pool, 'node-1', wallet);
  const byHand = { wallet, by, requestKey: 'one' };
  await withTransaction(pool, (tx) => claimEarnings(tx, 'node-1'));
  await withTransaction(pool, (tx) => recordPayout(tx, { ...byHand, amount: 60n, reference: 'transfer 7' }));
  await withTransaction(pool, (tx) => recordPayment(tx, { ...byHand, amount: 5n, reference: 'transfer 8' }));
  const soon = new Date(Date.now() + 60_000);
  const first = await listUnreceipted(pool, soon, { limit: 2 });
  const second = await listUnreceipted(pool, soon, { limit: 2, cursor: first.nextCursor });
  expect([...first.bookings, ...second.bookings]).toMatchObject([
    { kind: 'claim', wallet, amount: 100n, claimed: { providerId: 'node-1', chainId: 1 } },
    { kind: 'payout', wallet, amount: 60n, reference: 'transfer 7' },
    { kind: 'payment', wallet, amount: 5n, reference: 'transfer 8' },
  ]);
  expect(second.nextCursor).toBeUndefined();
  expect((await listUnreceipted(pool, new Date(0), { limit: 2 })).bookings).toEqual([]);
});
