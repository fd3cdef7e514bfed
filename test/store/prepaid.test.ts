import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { payInAdvance, payLater } from '../../src/db/payment-mode.js';
import { postEntry } from '../../src/db/ledger.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import { bookCharges } from '../../src/db/unbooked.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';
import { balances, moneySteps, withoutLedgerTriggers } from '../support/money.js';
import { rentals } from '../support/receipts.js';
import { vaultSays } from '../support/vault-news.js';

const token = 10n ** 18n;
const vault: BookedVault = { chainId: 97, vault: `0x${'5'.repeat(40)}`, scale: 10n ** 12n, leastDeposit: 0n };

let database: TestDatabase;
let steps: ReturnType<typeof moneySteps>;
beforeAll(async () => {
  database = await freshDatabase();
  steps = moneySteps(database.pool);
  await happens({ name: 'RoleAnnounced', args: {} });
});
beforeEach(() => payInAdvance(database.pool));
afterAll(() => database.close());

const happens = (...events: Parameters<typeof vaultSays>[2][]) => vaultSays(database.pool, vault, ...events);

const units = (tokens: number) => String(tokens * 1_000_000);
async function customer({ deposit = 0, cap = 1_000 } = {}) {
  const wallet = `0x${randomUUID().replaceAll('-', '')}00000000`;
  const sessionId = await putSession(database.pool, wallet);
  if (deposit > 0)
    await happens({ name: 'Deposited', args: { customer: wallet, from: wallet, amount: units(deposit) } });
  await happens({ name: 'CapRaised', args: { customer: wallet, cap: units(cap) } });
  return { wallet, sessionId, order: (tokens: number) => steps.order(sessionId, wallet, BigInt(tokens) * token) };
}

describe('a customer who pays in advance', () => {
  test('orders nothing without a deposit, and learns what is missing and where to deposit it', async () => {
    const { wallet, order } = await customer();
    await expect(order(3)).rejects.toMatchObject({
      code: 'insufficient_funds',
      status: 402,
      extra: {
        ...{ required: (3n * token).toString(), available: '0', missing: (3n * token).toString() },
        deposit: { chain_id: 97, vault: vault.vault, customer: wallet },
      },
    });
  });

  test('orders for what is deposited, and no more, however many orders come at once', async () => {
    const { order } = await customer({ deposit: 5 });
    const placed = await Promise.allSettled([1, 2, 3, 4].map(() => order(2)));
    expect(placed.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await expect(order(2)).rejects.toMatchObject({ extra: { available: token.toString(), missing: token.toString() } });
    await order(1);
  });

  test('orders no more than he allowed the vault to draw, until he allows more', async () => {
    const { wallet, order } = await customer({ deposit: 5, cap: 2 });
    await order(2);
    await expect(order(1)).rejects.toMatchObject({
      code: 'insufficient_funds',
      detail: expect.stringContaining('raise it'),
      extra: { available: '0', missing: token.toString() },
    });
    await happens({ name: 'CapRaised', args: { customer: wallet, cap: units(3) } });
    await order(1);
  });

  test('orders nothing new once he has asked for his money, until he calls that off', async () => {
    const { wallet, order } = await customer({ deposit: 5 });
    await happens({ name: 'ExitRequested', args: { customer: wallet, exitAt: '1800000000' } });
    await expect(order(1)).rejects.toMatchObject({ code: 'exit_pending' });
    await happens({ name: 'ExitCancelled', args: { customer: wallet } });
    await order(1);
  });

  test('is told that he has asked for his money where he did so between an order and its machine, and not that there is none', async () => {
    const { wallet, order } = await customer({ deposit: 5 });
    await putProvider(database.pool, { providerId: 'atlas' });
    const [asked, placed] = [await order(2), await order(2)];
    const { records } = rentals(database.pool);
    await records.placeJob(placed);
    await happens({ name: 'ExitRequested', args: { customer: wallet, exitAt: '1800000000' } });
    await expect(records.placeJob(asked)).rejects.toMatchObject({
      code: 'exit_pending',
      message: expect.stringContaining('asked the vault for its money'),
    });
    expect(await records.placeJob(placed)).toMatchObject({ providerId: 'atlas' });
  });

  test('extends and moves to a dearer machine only as far as that goes', async () => {
    const { order } = await customer({ deposit: 4 });
    const job = await order(2);
    await expect(steps.place(job, 'dear', 5n * token)).rejects.toMatchObject({ code: 'insufficient_funds' });
    expect(await steps.place(job, 'cheap', token)).toBe(true);
    await steps.run(job, new Date());
    await expect(steps.extend(job, 'long', 4 * 3_600)).rejects.toMatchObject({ code: 'insufficient_funds' });
    await steps.extend(job, 'short', 3 * 3_600);
    await steps.end(job, new Date());
    expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  });

  test('has all of it again when a job ends that cost nothing', async () => {
    const { order } = await customer({ deposit: 2 });
    const job = await order(2);
    await steps.end(job, new Date());
    await order(2);
  });
});

test('what a wallet owes from before is to be paid first', async () => {
  await payLater(database.pool);
  const { wallet, order } = await customer();
  await order(1);
  await payInAdvance(database.pool);
  const refused = { code: 'insufficient_funds', extra: { available: '0', missing: (3n * token).toString() } };
  await expect(order(2)).rejects.toMatchObject(refused);
  await expect(order(2)).rejects.toMatchObject({ detail: expect.stringContaining('owes') });
  await happens({ name: 'Deposited', args: { customer: wallet, from: wallet, amount: units(3) } });
  await order(2);
});

test('a site that has given up its chain lets customers pay later again', async () => {
  const { order } = await customer();
  await expect(order(1)).rejects.toMatchObject({ code: 'insufficient_funds' });
  await payLater(database.pool);
  const job = await order(1);
  // An account may have begun at the very moment at which the site gave it up.
  await database.pool.query(`update ledger_accounts set may_owe = false where kind = 'customer' and balance >= 0`);
  await steps.place(job, 'atlas', token);
  await order(1);
});

describe('a wallet that took out more than was its own', () => {
  /** It rents for 2 of the 5 tokens that it deposited, and leaves with all 5. */
  async function left() {
    const { pool } = database;
    const { wallet, order, sessionId } = await customer({ deposit: 5 });
    const [started, waiting] = [await order(1), await order(1)];
    await steps.place(started, 'cheap', token);
    await steps.run(started, new Date());
    await happens(
      { name: 'Withdrawn', args: { customer: wallet, to: wallet, amount: units(5) } },
      { name: 'Exited', args: { customer: wallet, to: wallet } },
    );
    return { pool, wallet, order, sessionId, started, waiting };
  }
  const owes = { code: 'insufficient_funds', extra: { deposit: { chain_id: 97, vault: vault.vault } } };

  test('gets no order, no extension and no machine, however little that costs', async () => {
    const { order, started, waiting } = await left();
    await expect(order(1)).rejects.toMatchObject(owes);
    await expect(order(0)).rejects.toMatchObject(owes);
    await expect(steps.extend(started, 'more', 3_600)).rejects.toMatchObject(owes);
    await expect(steps.place(waiting, 'cheap', token)).rejects.toMatchObject(owes);
    await expect(steps.place(waiting, 'cheaper', token / 2n)).rejects.toMatchObject(owes);
  });

  test('is charged for what it was served, and may go on once it has paid what it owes', async () => {
    const { pool, wallet, order, started, waiting } = await left();
    await steps.end(started, new Date(Date.now() + 3_600_000));
    await steps.end(waiting, new Date());
    expect((await balances(pool))[`customer ${wallet}`]).toBe(-token);
    await happens({ name: 'Deposited', args: { customer: wallet, from: wallet, amount: units(3) } });
    await order(2);
    await expect(order(1)).rejects.toMatchObject({ code: 'insufficient_funds' });
    expect(await differingMoney(pool, 'everything')).toEqual([]);
  });
});

describe('a job that a version without a ledger ordered', () => {
  /** Without a deposit, and as such a version wrote it. */
  async function unbooked({ isRunning }: { isRunning: boolean }) {
    await payLater(database.pool);
    const { wallet, order } = await customer();
    const job = await order(2);
    if (isRunning) {
      await steps.place(job, 'cheap', 2n * token);
      await steps.run(job, new Date());
    }
    await withoutLedgerTriggers(database.pool, async (tx) => {
      const lines = `select entry_id from ledger_lines l join ledger_accounts a on a.id = l.account_id where a.owner = $1`;
      const { rows } = await tx.query<{ entry_id: string }>(lines, [wallet]);
      const entries = rows.map(({ entry_id: id }) => id);
      await tx.query('delete from ledger_lines where entry_id = any ($1)', [entries]);
      await tx.query('delete from ledger_entries where id = any ($1)', [entries]);
      await tx.query('delete from ledger_accounts where owner = $1', [wallet]);
      await tx.query('update auth_charges set booked = null where job_id = $1', [job.jobId]);
    });
    await payInAdvance(database.pool);
    return { wallet, job };
  }

  test('is settled all the same, and its wallet owes what it cost', async () => {
    const { wallet, job } = await unbooked({ isRunning: true });
    await steps.end(job, new Date(Date.now() + 3_600_000));
    expect((await balances(database.pool))[`customer ${wallet}`]).toBe(-2n * token);
  });

  test('is booked all the same while it runs, and when such a version has changed what it reserves', async () => {
    const { pool } = database;
    const { wallet, job } = await unbooked({ isRunning: true });
    await withTransaction(pool, (tx) => bookCharges(tx, job.jobId));
    await pool.query('update auth_charges set reserved = reserved * 2 where job_id = $1', [job.jobId]);
    await pool.query('update auth_sessions set reserved = reserved * 2 where wallet = $1', [wallet]);
    await withTransaction(pool, (tx) => bookCharges(tx, job.jobId));
    expect((await balances(pool))[`customer ${wallet}`]).toBe(-4n * token);
    await expect(steps.extend(job, 'more', 60)).rejects.toMatchObject({ code: 'insufficient_funds' });
    await steps.end(job, new Date(Date.now() + 3_600_000));
    expect(await differingMoney(pool, 'everything')).toEqual([]);
  });

  test('gets no machine on credit', async () => {
    const { job } = await unbooked({ isRunning: false });
    await expect(steps.place(job, 'cheap', token)).rejects.toMatchObject({ code: 'insufficient_funds' });
  });
});

test('the database itself refuses what forgets to ask for the money of a customer', async () => {
  const { wallet } = await customer();
  const lines = [
    { kind: 'customer', owner: wallet, amount: -1n },
    { kind: 'reserved', owner: wallet, amount: 1n },
  ] as const;
  const booking = withTransaction(database.pool, (tx) => postEntry(tx, { key: 'on credit', kind: 'reserve', lines }));
  await expect(booking).rejects.toMatchObject({ constraint: 'ledger_accounts_covered' });
});
