import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Address } from 'viem';
import { bookFinal, cutBatch } from '../../src/billing/batch-bookings.js';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { askWithdrawal } from '../../src/billing/withdrawals.js';
import { findBatch, lockBatches, readLines } from '../../src/db/batches.js';
import type { CuttableVault } from '../../src/db/batch-facts.js';
import { freezeDebtor, freezeRefused, frozenWallets } from '../../src/db/frozen-wallets.js';
import { postEntry } from '../../src/db/ledger.js';
import { payInAdvance } from '../../src/db/payment-mode.js';
import { withTransaction } from '../../src/db/pool.js';
import { mustSettleBeforeAnExit } from '../../src/db/leaving-wallets.js';
import { knownVault, recordVault } from '../../src/db/vaults.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';
import { moneySteps } from '../support/money.js';
import { until } from '../support/until.js';
import { vaultSays } from '../support/vault-news.js';

const token = 10n ** 18n;
const hour = 3_600;
const delays = { batchDelayS: 12 * hour, exitDelayS: 168 * hour };
const vault: BookedVault & CuttableVault = {
  ...{ chainId: 97, vault: `0x${'5'.repeat(40)}`, scale: 10n ** 12n, leastDeposit: 0n },
  drawnBeforeExitS: 13 * hour,
};

let database: TestDatabase;
let steps: ReturnType<typeof moneySteps>;
beforeEach(async () => {
  database = await freshDatabase();
  steps = moneySteps(database.pool);
  await payInAdvance(database.pool);
  await recordVault(database.pool, vault, { scale: vault.scale, ...delays });
});
afterEach(() => database.close());

const happens = (...events: Parameters<typeof vaultSays>[2][]) => vaultSays(database.pool, vault, ...events);
const units = (tokens: number) => String(tokens * 1_000_000);
const inS = (seconds: number) => String(Math.floor(Date.now() / 1_000) + seconds);
const cut = (number: number, lines = 1_000) =>
  withTransaction(database.pool, (tx) => cutBatch(tx, vault, number, { lines, permits: 100 }));
const drawnIn = async (number: number) =>
  (await readLines(database.pool, vault, number)).draws.map(({ wallet }) => wallet);

/** A customer with 9 tokens in the vault, who was charged so many. */
async function charged(tokens: number) {
  const wallet = `0x${randomUUID().replaceAll('-', '')}00000000` as Address;
  const args = { customer: wallet, from: wallet, to: wallet };
  await happens(
    { name: 'Deposited', args: { ...args, amount: units(9) } },
    { name: 'CapRaised', args: { ...args, cap: units(1_000) } },
  );
  const job = await steps.order(await putSession(database.pool, wallet), wallet, BigInt(tokens) * token);
  await steps.place(job, 'atlas', BigInt(tokens) * token);
  const began = new Date(Date.now() - 2 * 3_600_000);
  await steps.run(job, began);
  await steps.end(job, new Date(began.getTime() + 3_600_000));
  const asks = (exitInS: number) => happens({ name: 'ExitRequested', args: { ...args, exitAt: inS(exitInS) } });
  return { wallet, args, job, asks };
}
const settle = (number: number) => withTransaction(database.pool, (tx) => bookFinal(tx, vault, number));
const mustSettle = () => mustSettleBeforeAnExit(database.pool, vault, vault.drawnBeforeExitS);

describe('a settlement that cannot carry everybody', () => {
  test('draws whoever leaves first, and says of nobody else that he is settled', async () => {
    const settledUntil = async () => (await knownVault(database.pool, vault))!.settledUntil.getTime();
    const began = await settledUntil();
    const [stays, leaves] = [await charged(5), await charged(1)];
    await leaves.asks(100 * hour);
    expect(await cut(1, 1)).toMatchObject({ batch: { number: 1, isCutShort: true }, isCutShort: true });
    // As whoever begins it again after a crash.
    expect(await cut(1, 1)).toMatchObject({ isCutShort: true });
    expect(await drawnIn(1)).toEqual([leaves.wallet]);
    await settle(1);
    expect(await settledUntil()).toBe(began);
    expect(await cut(2, 1)).toMatchObject({ isCutShort: false });
    expect(await drawnIn(2)).toEqual([stays.wallet]);
    await settle(2);
    const { cutAt } = (await findBatch(database.pool, vault, 2))!;
    expect(await settledUntil()).toBe(cutAt.getTime());
  });

  test('counts as settled where next to nothing was left', async () => {
    await charged(5);
    const { wallet, args } = await charged(1);
    // All but 0.04 of it.
    await withTransaction(database.pool, (tx) =>
      postEntry(tx, {
        ...{ key: `refund ${wallet}`, kind: 'adjust', note: {} },
        lines: [
          { kind: 'customer', owner: args.customer, amount: (token * 96n) / 100n },
          { kind: 'manual', owner: '', amount: (-token * 96n) / 100n },
        ],
      }),
    );
    expect(await cut(1, 1)).toMatchObject({ batch: { isCutShort: true, isLeftLittle: true } });
    await settle(1);
    const { cutAt } = (await findBatch(database.pool, vault, 1))!;
    expect((await knownVault(database.pool, vault))!.settledUntil).toEqual(cutAt);
    expect(await cut(2, 1)).toMatchObject({ batch: { number: 2, isCutShort: false } });
  });

  test('does not settle those before an exit whom it left out, so that another one is cut for them', async () => {
    const [first, second] = [await charged(5), await charged(1)];
    for (const { asks } of [first, second]) await asks(47 * hour);
    expect(await mustSettle()).toBe(true);
    await cut(1, 1);
    await settle(1);
    expect(await mustSettle()).toBe(true);
    await cut(2, 1);
    expect(await mustSettle()).toBe(false);
    await settle(2);
    expect(await mustSettle()).toBe(false);
  });

  test('says that nothing is settled where it can carry nobody', async () => {
    await charged(1);
    const before = await knownVault(database.pool, vault);
    expect(await cut(1, 0)).toEqual({ isCutShort: true, uncovered: 0n });
    expect(await knownVault(database.pool, vault)).toEqual(before);
  });
});

describe('a customer who may leave before a settlement is executed', () => {
  test('is left out of it, and back in the next one when he calls that off', async () => {
    const [late, stays] = [await charged(2), await charged(1)];
    await late.asks(13 * hour - 60);
    expect(await mustSettle()).toBe(false);
    await cut(1);
    expect(await drawnIn(1)).toEqual([stays.wallet]);
    await settle(1);
    await happens({ name: 'ExitCancelled', args: late.args });
    await cut(2);
    expect(await drawnIn(2)).toEqual([late.wallet]);
  });
});

describe('a wallet whose line the vault refused', () => {
  const reason = async () => (await frozenWallets(database.pool, 10)).map((frozen) => frozen.reason);

  test('stays out of settlements, whether it owed before or leaves later', async () => {
    const { wallet, args } = await charged(2);
    const of = [database.pool, vault, wallet] as const;
    await happens({ name: 'Withdrawn', args: { ...args, amount: units(9) } });
    expect(await reason()).toEqual(['left_owing']);
    await freezeRefused(...of, 'InsufficientBalance');
    expect(await reason()).toEqual(['refused']);
    await freezeDebtor(...of);
    expect(await reason()).toEqual(['refused']);
  });
});

describe('a cut and a withdrawal', () => {
  const ask = (wallet: Address, amount: bigint) =>
    withTransaction(database.pool, (tx) => askWithdrawal(tx, vault, { wallet, amount, requestKey: randomUUID() }));
  /** As an operator refunds what a settlement has drawn already. */
  const refund = (wallet: Address, amount: bigint) =>
    withTransaction(database.pool, (tx) =>
      postEntry(tx, {
        ...{ key: `refund/${randomUUID()}`, kind: 'adjust', note: {} },
        lines: [
          { kind: 'customer', owner: wallet, amount },
          { kind: 'manual', owner: '', amount: -amount },
        ],
      }),
    );

  test.each(['cut', 'proposed', 'final'])(
    'what a settlement draws that is %s cannot be taken out, although it was refunded',
    async (status) => {
      const { wallet } = await charged(3);
      await cut(1);
      await database.pool.query('update batches set status = $1', [status]);
      await refund(wallet, 3n * token);
      await expect(ask(wallet, 7n * token)).rejects.toMatchObject({
        code: 'insufficient_funds',
        extra: { available: (6n * token).toString() },
      });
      await ask(wallet, 6n * token);
    },
  );

  test('what a settlement would have drawn that is void can be taken out', async () => {
    const { wallet } = await charged(3);
    await cut(1);
    await database.pool.query(`update batches set status = 'void'`);
    await refund(wallet, 3n * token);
    await ask(wallet, 9n * token);
  });

  test('cannot pass each other: a withdrawal waits for the cut, and counts what it draws', async () => {
    const { pool } = database;
    const { wallet } = await charged(3);
    const order: string[] = [];
    let asked: Promise<unknown> | undefined;
    await withTransaction(pool, async (tx) => {
      await cutBatch(tx, vault, 1);
      await refund(wallet, 3n * token);
      asked = ask(wallet, 9n * token).catch((error: unknown) => {
        order.push('refused');
        return error;
      });
      await untilWaiting();
      order.push('cut');
    });
    expect(await asked).toMatchObject({ code: 'insufficient_funds' });
    expect(order).toEqual(['cut', 'refused']);
  });

  const untilWaiting = () =>
    until(
      async () => {
        const { rows } = await database.pool.query<{ n: number }>(
          `select count(*)::int as n from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where not l.granted and a.datname = current_database()`,
        );
        return rows[0]!.n > 0;
      },
      { name: 'somebody waits for a lock' },
    );

  const payee = `0x${'e'.repeat(40)}`;
  /** A settlement of a customer and a payee, who has something in the vault already. */
  async function proposed() {
    const customer = await charged(3);
    await withTransaction(database.pool, (tx) =>
      postEntry(tx, {
        ...{ key: 'earned', kind: 'adjust', note: {} },
        lines: [
          { kind: 'provider', owner: payee, amount: 2n * token },
          { kind: 'payable', owner: payee, amount: token },
          { kind: 'manual', owner: '', amount: -3n * token },
        ],
      }),
    );
    const hash = (await cut(1)).batch!.hash;
    await happens({ name: 'BatchProposed', args: { number: '1', hash, executableAt: inS(0) } });
    return customer;
  }

  test('and what the vault says wait for each other in one order', async () => {
    const { pool } = database;
    const { wallet, args } = await proposed();
    let booked: Promise<void> | undefined;
    await withTransaction(pool, async (tx) => {
      await lockBatches(tx, vault);
      booked = happens(
        { name: 'BatchExecuted', args: { number: '1', drawn: units(3), credited: units(2) } },
        { name: 'Deposited', args: { ...args, amount: units(1) } },
        { name: 'EarningsWithdrawn', args: { payee, to: wallet, amount: units(1) } },
      );
      await untilWaiting();
      // What a cut locks next.
      await tx.query(`select from ledger_accounts for update nowait`);
    });
    await booked;
    expect((await findBatch(pool, vault, 1))!.status).toBe('final');
  });

  test.each(['in_batch', 'payable'])(
    'nor does it hold the account of the vault while it waits for %s',
    async (kind) => {
      const { pool } = database;
      const { args } = await proposed();
      let booked: Promise<void> | undefined;
      await withTransaction(pool, async (tx) => {
        await tx.query('select from ledger_accounts where kind = $1 and owner = $2 for update', [kind, payee]);
        booked = happens(
          { name: 'Deposited', args: { ...args, amount: units(1) } },
          { name: 'BatchExecuted', args: { number: '1', drawn: units(3), credited: units(2) } },
        );
        await untilWaiting();
        await tx.query(`select from ledger_accounts where kind = 'vault' for update nowait`);
      });
      await booked;
      expect((await findBatch(pool, vault, 1))!.status).toBe('final');
    },
  );
});
