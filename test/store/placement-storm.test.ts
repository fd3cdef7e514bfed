import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { reserveSpend } from '../../src/billing/spend.js';
import { findAllocation } from '../../src/db/allocations.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { findProvider } from '../../src/db/provider-reads.js';
import type { JobOrder } from '../../src/domain/job.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { jobRecords } from '../support/job-records.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';

/** The rounds of a placement before it gives up. */
const rounds = 25;

let database: TestDatabase;
let placeJob: ReturnType<typeof jobRecords>['placeJob'];
beforeAll(async () => {
  database = await freshDatabase();
  ({ placeJob } = jobRecords(database.pool));
  // A storm of orders, as one order sees it: capacity that was free during its search is taken at its allocation.
  await database.pool.query(`
    create table storm (lasts integer not null);
    create sequence tries;
    create function be_too_late() returns trigger language plpgsql as $$
      begin
        return case when nextval('tries') > (select lasts from storm) then new end;
      end $$;
    create trigger storm before insert on allocations for each row execute function be_too_late();`);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers, storm cascade; alter sequence tries restart');
  await putProvider(database.pool, { providerId: 'only-one' });
});

/** An order in the database, and a storm in which it loses this many rounds. */
async function orderedIn(lasts: number): Promise<JobOrder> {
  const order = testOrder();
  const sessionId = await putSession(database.pool, testWallet);
  await withTransaction(database.pool, async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: 10n ** 18n };
    await insertJob(tx, { ...order, ...rest, sessionId });
    await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: 10n ** 18n });
  });
  await database.pool.query('insert into storm values ($1)', [lasts]);
  return order;
}
const tries = async () =>
  Number((await database.pool.query<{ last_value: string }>('select last_value from tries')).rows[0]!.last_value);
const rented = async () =>
  (await findProvider(database.pool, 'only-one'))!.resources.reduce((sum, { rented: amount }) => sum + amount, 0);

test('an order that loses every round but the last gets its placement', async () => {
  const order = await orderedIn(rounds - 1);
  expect(await placeJob(order)).toMatchObject({ providerId: 'only-one' });
  expect(await tries()).toBe(rounds);
  expect(await rented()).toBeGreaterThan(0);
});

test('an order that loses every round is told that there is no capacity, and holds nothing', async () => {
  const order = await orderedIn(1_000_000);
  await expect(placeJob(order)).rejects.toMatchObject({ code: 'no_capacity' });
  expect(await tries()).toBe(rounds);
  expect(await findAllocation(database.pool, order.jobId)).toBeUndefined();
  expect(await rented()).toBe(0);
});
