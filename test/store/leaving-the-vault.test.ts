import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeOffDebt } from '../../src/billing/bad-debt.js';
import { bookVoid, cutBatch } from '../../src/billing/batch-bookings.js';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { batchUnderWay, lastBatchNumber } from '../../src/db/batches.js';
import { frozenWallets } from '../../src/db/frozen-wallets.js';
import { postEntry } from '../../src/db/ledger.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { payInAdvance, payLater } from '../../src/db/payment-mode.js';
import { withTransaction } from '../../src/db/pool.js';
import { leavingInDebt, mustSettleBeforeAnExit } from '../../src/db/leaving-wallets.js';
import { unfundedJobs } from '../../src/db/unfunded-jobs.js';
import { recordVault } from '../../src/db/vaults.js';
import { walletInVault } from '../../src/db/vault-events.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';
import { balances, moneySteps } from '../support/money.js';
import { vaultSays } from '../support/vault-news.js';

const token = 10n ** 18n;
const hour = 3_600;
const vault: BookedVault = { chainId: 97, vault: `0x${'5'.repeat(40)}`, scale: 10n ** 12n, leastDeposit: 0n };

let database: TestDatabase;
let steps: ReturnType<typeof moneySteps>;
beforeAll(async () => {
  database = await freshDatabase();
  steps = moneySteps(database.pool);
  await payInAdvance(database.pool);
  await recordVault(database.pool, vault, { scale: vault.scale, batchDelayS: 12 * hour, exitDelayS: 168 * hour });
});
afterAll(async () => {
  expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  await database.close();
});

const happens = (...events: Parameters<typeof vaultSays>[2][]) => vaultSays(database.pool, vault, ...events);
const units = (tokens: number) => String(tokens * 1_000_000);
const inS = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

/** Cuts a settlement, whatever an earlier test has left under way. @returns its number. */
const cutAnew = () =>
  withTransaction(database.pool, async (tx) => {
    const underWay = await batchUnderWay(tx, vault);
    if (underWay !== undefined) await bookVoid(tx, vault, underWay.number, 'vetoed');
    const number = (await lastBatchNumber(tx, vault)) + 1;
    await cutBatch(tx, { ...vault, drawnBeforeExitS: 13 * hour }, number);
    return number;
  });

/** A customer with 5 tokens in the vault and a running job of 2 of them. */
async function renting() {
  const wallet = `0x${randomUUID().replaceAll('-', '')}00000000`;
  const args = { customer: wallet, from: wallet, to: wallet };
  const sessionId = await putSession(database.pool, wallet);
  await happens(
    { name: 'Deposited', args: { ...args, amount: units(5) } },
    { name: 'CapRaised', args: { ...args, cap: units(1_000) } },
  );
  const job = await steps.order(sessionId, wallet, 2n * token);
  await steps.place(job, 'atlas', 2n * token, { feeBps: 500 });
  await steps.run(job, new Date(Date.now() - 1_800_000));
  const asks = (exitInS: number) => happens({ name: 'ExitRequested', args: { ...args, exitAt: String(inS(exitInS)) } });
  const leaves = () => happens({ name: 'Exited', args }, { name: 'Withdrawn', args: { ...args, amount: units(5) } });
  const order = () => steps.order(sessionId, wallet, token);
  const unfunded = async () => (await unfundedJobs(database.pool, 100)).filter(({ jobId }) => jobId === job.jobId);
  return { wallet, args, job, order, asks, leaves, unfunded };
}

describe('a customer who asks the vault for all his money', () => {
  test('gets nothing new, and keeps his jobs until 48 hours before he may take it', async () => {
    const { wallet, args, job, order, asks, unfunded } = await renting();
    await asks(49 * hour);
    await expect(order()).rejects.toMatchObject({ code: 'exit_pending' });
    await expect(steps.extend(job, 'more', 60)).rejects.toMatchObject({ code: 'exit_pending' });
    expect(await unfunded()).toEqual([]);
    const { exitAt, jobsEndAt } = await walletInVault(database.pool, vault, wallet);
    expect(exitAt!.getTime() - jobsEndAt!.getTime()).toBe(48 * hour * 1_000);
    await happens({ name: 'ExitCancelled', args });
    await order();
  });

  test('has his jobs ended then, and a settlement is cut once they are charged, and only once', async () => {
    const { pool } = database;
    const { job, asks, unfunded } = await renting();
    await asks(47 * hour);
    expect(await unfunded()).toEqual([{ jobId: job.jobId, because: 'exit' }]);
    expect(await mustSettleBeforeAnExit(pool, vault, 13 * hour)).toBe(false);
    await steps.end(job, new Date());
    expect(await unfunded()).toEqual([]);
    expect(await mustSettleBeforeAnExit(pool, vault, 13 * hour)).toBe(true);
    const number = await cutAnew();
    expect(await mustSettleBeforeAnExit(pool, vault, 13 * hour)).toBe(false);
    await withTransaction(pool, (tx) => bookVoid(tx, vault, number, 'vetoed'));
    expect(await mustSettleBeforeAnExit(pool, vault, 13 * hour)).toBe(true);
    await cutAnew();
    expect(await mustSettleBeforeAnExit(pool, vault, 13 * hour)).toBe(false);
  });

  test('is named while his exit is near and he has not paid: with what is reserved, and then with what is not drawn', async () => {
    const { pool } = database;
    const { wallet, args, job, asks, leaves } = await renting();
    const named = async () => (await leavingInDebt(pool, vault, 30 * hour)).filter((each) => each.wallet === wallet);
    await asks(31 * hour);
    expect(await named()).toEqual([]);
    await happens({ name: 'ExitCancelled', args });
    await asks(29 * hour);
    const { exitAt } = await walletInVault(pool, vault, wallet);
    expect(await named()).toEqual([
      { wallet, exitAt, reserved: 2n * token, undrawn: 0n, jobs: [`${job.jobId} running`] },
    ]);
    await steps.end(job, new Date());
    expect(await named()).toMatchObject([{ reserved: 0n, undrawn: expect.any(BigInt), jobs: [] }]);
    const number = await cutAnew();
    expect(await named()).toEqual([]);
    await withTransaction(pool, (tx) => bookVoid(tx, vault, number, 'vetoed'));
    expect(await named()).toHaveLength(1);
    await leaves();
    expect(await named()).toEqual([]);
  });

  test('is named while he may leave at any moment and a job of his is not charged', async () => {
    const { pool } = database;
    const { wallet, job, asks } = await renting();
    await asks(-hour);
    const named = async () => (await leavingInDebt(pool, vault, 30 * hour)).filter((each) => each.wallet === wallet);
    expect(await named()).toMatchObject([{ reserved: 2n * token }]);
    await steps.end(job, new Date());
    // He is drawn no more: it is too late for anybody to do something.
    expect(await named()).toEqual([]);
  });

  test('keeps his jobs for half the time where the vault lets customers leave within hours', async () => {
    const hasty: BookedVault = { ...vault, vault: `0x${'6'.repeat(40)}` };
    const { pool } = database;
    await recordVault(pool, hasty, { scale: vault.scale, batchDelayS: 60, exitDelayS: 600 });
    const { wallet, args } = await renting();
    await vaultSays(pool, hasty, { name: 'ExitRequested', args: { ...args, exitAt: String(inS(600)) } });
    const { exitAt, jobsEndAt } = await walletInVault(pool, hasty, wallet);
    expect(exitAt!.getTime() - jobsEndAt!.getTime()).toBe(300_000);
  });

  test('keeps them all where customers pay later', async () => {
    const { unfunded, asks } = await renting();
    await asks(1);
    await payLater(database.pool);
    expect(await unfunded()).toEqual([]);
    await payInAdvance(database.pool);
    expect(await unfunded()).toHaveLength(1);
  });
});

describe('a customer who left the vault with what he owes', () => {
  const frozen = async (wallet: string) =>
    (await frozenWallets(database.pool, 100)).filter((each) => each.wallet === wallet);
  const writeOff = (wallet: string, requestKey: string, reason = 'it left') =>
    withTransaction(database.pool, (tx) => writeOffDebt(tx, { wallet, reason, by: `0x${'a'.repeat(40)}`, requestKey }));

  test('is frozen, and his jobs end; a deposit of what he owes thaws him', async () => {
    const { wallet, args, job, order, leaves, unfunded } = await renting();
    await leaves();
    expect(await frozen(wallet)).toMatchObject([{ reason: 'left_owing', owed: 2n * token }]);
    expect(await unfunded()).toEqual([{ jobId: job.jobId, because: 'frozen' }]);
    await steps.end(job, new Date());
    await happens({ name: 'Deposited', args: { ...args, amount: '1' } });
    expect(await frozen(wallet)).toHaveLength(1);
    await happens({ name: 'Deposited', args: { ...args, amount: units(3) } });
    expect(await frozen(wallet)).toEqual([]);
    await order();
  });

  test('is no debtor of what is reserved for jobs that still run; the rest is written off, once', async () => {
    const { wallet, job, order, leaves } = await renting();
    await leaves();
    expect(await writeOff(wallet, `early ${wallet}`)).toMatchObject({ amount: 0n, wasFrozen: false });
    await steps.end(job, new Date(Date.now()));
    const { owed } = (await frozen(wallet))[0]!;
    expect(owed).toBeGreaterThan((token * 9n) / 10n);
    const before = (await balances(database.pool))['bad_debt'] ?? 0n;
    const first = await writeOff(wallet, `late ${wallet}`);
    expect(first).toEqual({ id: `late ${wallet}`, amount: owed, wasFrozen: true, isRepeat: false });
    expect(await writeOff(wallet, `late ${wallet}`)).toEqual({ ...first, isRepeat: true });
    await expect(writeOff(wallet, `late ${wallet}`, 'another')).rejects.toMatchObject({ code: 'idempotency_conflict' });
    expect(await frozen(wallet)).toEqual([]);
    const all = await balances(database.pool);
    expect([all[`customer ${wallet}`], all['bad_debt']]).toEqual([undefined, before - owed]);
    await expect(order()).rejects.toMatchObject({ code: 'insufficient_funds' });
  });

  test('is no debtor of what is held for him to take out, and stays frozen until he has', async () => {
    const { wallet, job, leaves } = await renting();
    await leaves();
    await steps.end(job, new Date());
    const { owed } = (await frozen(wallet))[0]!;
    // As a withdrawal that was asked for before.
    await withTransaction(database.pool, (tx) =>
      postEntry(tx, {
        ...{ key: `held ${wallet}`, kind: 'adjust', note: {} },
        lines: [
          { kind: 'withdrawing', owner: wallet, amount: token / 4n },
          { kind: 'manual', owner: '', amount: -token / 4n },
        ],
      }),
    );
    const written = await writeOff(wallet, `held ${wallet}`);
    expect(written).toMatchObject({ amount: owed - token / 4n, wasFrozen: false });
    expect(await frozen(wallet)).toHaveLength(1);
  });
});
