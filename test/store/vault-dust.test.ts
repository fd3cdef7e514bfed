import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { bookVaultEvents, type BookedVault } from '../../src/billing/vault-events.js';
import { batchFacts } from '../../src/db/batch-facts.js';
import { freezeRefused, frozenWallet } from '../../src/db/frozen-wallets.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import { unitsInVault, walletInVault, type VaultEvent } from '../../src/db/vault-events.js';
import { recordVault } from '../../src/db/vaults.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { vaultSays } from '../support/vault-news.js';

// Whoever pays the gas deposits a little, in anybody's name, as often as he likes.

const unit = 10n ** 12n;
const vault: BookedVault = { chainId: 97, vault: `0x${'5'.repeat(40)}`, scale: unit, leastDeposit: 10_000n * unit };

let database: TestDatabase;
let wallet: string;
beforeAll(async () => {
  database = await freshDatabase();
  await recordVault(database.pool, vault, { scale: vault.scale, batchDelayS: 60, exitDelayS: 604_800 });
});
afterAll(async () => {
  expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  await database.close();
});
beforeEach(() => void (wallet = `0x${randomUUID().replaceAll('-', '')}00000000`));

const happens = (...events: Parameters<typeof vaultSays>[2][]) => vaultSays(database.pool, vault, ...events);
const deposited = (units: number, customer = wallet) => ({
  ...{ name: 'Deposited', args: { customer, from: customer, amount: String(units) } },
});
const withdrawn = (units: number) => ({
  ...{ name: 'Withdrawn', args: { customer: wallet, to: wallet, amount: String(units) } },
});
async function entriesOf(): Promise<{ kind: string; amount: string; reference: string }[]> {
  const { rows } = await database.pool.query<{ kind: string; amount: string; reference: string }>(
    `select e.kind, l.amount::text, e.note ->> 'reference' as reference
       from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
      where a.kind = 'customer' and a.owner = $1 order by e.id`,
    [wallet],
  );
  return rows;
}
const balance = async () => (await entriesOf()).reduce((sum, { amount }) => sum + BigInt(amount), 0n);

describe('what waits of a wallet, because it is too little,', () => {
  test('is booked before the vault pays out, so that an exit leaves no debt', async () => {
    await happens(deposited(5_000_000));
    await happens(deposited(4_000));
    await happens({ name: 'Exited', args: { customer: wallet } }, withdrawn(5_004_000));
    expect(await balance()).toBe(0n);
    expect(await walletInVault(database.pool, vault, wallet)).toMatchObject({ waiting: 0n });
    expect(await frozenWallet(database.pool, vault, wallet)).toBeUndefined();
  });

  test('is booked before an exit even if nothing else ever was', async () => {
    await happens(deposited(3));
    expect(await entriesOf()).toEqual([]);
    await happens(withdrawn(3));
    expect(await balance()).toBe(0n);
    expect((await entriesOf()).map(({ kind }) => kind)).toEqual(['deposit', 'withdrawn']);
  });

  test('is one entry, however many deposits it was', async () => {
    for (let n = 0; n < 3; n++) await happens(deposited(4_000));
    expect(await entriesOf()).toMatchObject([{ kind: 'deposit', amount: (12_000n * unit).toString() }]);
    await happens(deposited(4_000));
    expect(await balance()).toBe(12_000n * unit);
    await happens(deposited(1_000_000));
    expect(await balance()).toBe(1_016_000n * unit);
  });

  test('is in no settlement', async () => {
    const other = `0x${randomUUID().replaceAll('-', '')}00000000`;
    await happens(deposited(9_999), deposited(10_000, other));
    const { customers } = await batchFacts(database.pool, { ...vault, drawnBeforeExitS: 0 });
    const wallets = customers.map((customer) => customer.wallet as string);
    expect(wallets).toContain(other);
    expect(wallets).not.toContain(wallet);
  });

  test('thaws no wallet that the vault refused', async () => {
    await withTransaction(database.pool, (tx) => freezeRefused(tx, vault, wallet, 'CapExceeded'));
    await happens(deposited(1));
    expect(await frozenWallet(database.pool, vault, wallet)).toMatchObject({ reason: 'refused' });
    await happens(deposited(10_000));
    expect(await frozenWallet(database.pool, vault, wallet)).toBeUndefined();
  });
});

describe('a transaction with a thousand deposits', () => {
  test('is one entry for each wallet', async () => {
    const other = `0x${randomUUID().replaceAll('-', '')}00000000`;
    await happens(...Array.from({ length: 1_000 }, (_, n) => deposited(6_000, n % 2 === 0 ? wallet : other)));
    expect(await entriesOf()).toMatchObject([{ amount: (3_000_000n * unit).toString() }]);
    expect(await walletInVault(database.pool, vault, other)).toMatchObject({
      ...{ deposited: 3_000_000n * unit, waiting: 0n },
    });
  });

  test('and a payout between them leaves what is right', async () => {
    await happens(deposited(2_000_000), withdrawn(2_000_000), deposited(1_000_000), deposited(500_000));
    expect(await balance()).toBe(1_500_000n * unit);
    expect(await frozenWallet(database.pool, vault, wallet)).toBeUndefined();
  });

  test('is booked in other transactions as what each of them deposited', async () => {
    const event = (txHash: string, logIndex: number): VaultEvent => ({
      ...{ txHash: `0x${txHash.repeat(64)}`, logIndex, block: 9, blockHash: `0x${'b'.repeat(64)}` },
      ...deposited(10_000),
    });
    await withTransaction(database.pool, async (tx) => {
      await bookVaultEvents(tx, vault, [event('1', 1), event('2', 2), event('1', 3)]);
      expect((await tx.query(`select from ledger_entries where note ->> 'wallet' = $1`, [wallet])).rowCount).toBe(2);
      await tx.query('rollback');
      await tx.query('begin');
    });
  });
});

test('what the vault should hold is added up once, and then only what is new', async () => {
  const { pool } = database;
  const { rows } = await pool.query<{ block: number }>('select max(block_number)::int as block from chain_events');
  const block = rows[0]!.block;
  const all = await unitsInVault(pool, vault, block, undefined);
  await happens(deposited(7_000_000));
  await happens(withdrawn(2_000_000));
  const grown = { block: block + 2, units: all!.units + 5_000_000n };
  expect(await unitsInVault(pool, vault, block + 2, all)).toEqual(grown);
  expect(await unitsInVault(pool, vault, block + 2, undefined)).toEqual(grown);
  // A database that was restored is behind what was remembered.
  expect(await unitsInVault(pool, vault, block, grown)).toEqual(all);
  expect(await unitsInVault(pool, { ...vault, chainId: 1 }, block, undefined)).toBeUndefined();
});
