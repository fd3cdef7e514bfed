import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { batchFacts } from '../../src/db/batch-facts.js';
import { connectionOptions, type Queryable } from '../../src/db/pool.js';
import { unitsInVault, type VaultId } from '../../src/db/vault-events.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { explained, indexesOf, scansOf, type Plan } from '../support/plans.js';

const vault: VaultId = { chainId: 97, vault: `0x${'5'.repeat(40)}` };
const growing = new Set(['chain_events', 'chain_wallets']);

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  const filling = new pg.Client(connectionOptions(database.config));
  await filling.connect();
  // Deposits of dust in the name of as many wallets, and caps; of a hundred wallets something is booked.
  await filling.query(
    `insert into chain_events (chain_id, vault, tx_hash, log_index, block_number, block_hash, name, args)
     select $1, $2, '0x' || lpad(n::text, 64, '0'), 0, n / 10, '0x' || lpad('1', 64, '0'),
            case when n % 1000 = 0 then 'BatchExecuted' when n % 2 = 0 then 'Deposited' else 'CapRaised' end,
            jsonb_build_object('customer', n::text, 'amount', '1', 'drawn', '2', 'credited', '1')
       from generate_series(1, 200000) n`,
    [vault.chainId, vault.vault],
  );
  await filling.query(
    `insert into chain_wallets (chain_id, vault, wallet, deposited, waiting)
     select $1, $2, '0x' || lpad(n::text, 40, '0'), 5, case when n % 1000 = 0 then 0 else 5 end
       from generate_series(1, 100000) n`,
    [vault.chainId, vault.vault],
  );
  await filling.query('vacuum analyze');
  await filling.end();
}, 300_000);
afterAll(() => database?.close());

async function plansOf(ask: (db: Queryable) => Promise<unknown>): Promise<Plan[]> {
  const plans: Plan[] = [];
  await ask({ query: explained(database.pool, plans) } as unknown as Queryable).catch((error: unknown) => {
    // There are no rows in an explanation.
    if (!(error instanceof TypeError)) throw error;
  });
  expect(plans).not.toEqual([]);
  expect(plans.flatMap((plan) => scansOf(plan, growing))).toEqual([]);
  return plans;
}

test('what the vault should hold is found by the events of money that came since', async () => {
  const plans = await plansOf((db) => unitsInVault(db, vault, 20_000, { block: 19_990, units: 1n }));
  expect(plans.flatMap(indexesOf)).toContain('chain_events_of_money');
});

test('a settlement is cut without reading wallets that only have dust, or events of deposits', async () => {
  const plans = await plansOf((db) => batchFacts(db, { ...vault, scale: 1n, drawnBeforeExitS: 0 }));
  const indexes = plans.flatMap(indexesOf);
  expect(indexes).toContain('chain_wallets_booked');
  expect(indexes).toContain('chain_events_of_draws');
});
