import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { allocate, findAllocation, movesOf, release, vacate } from '../../src/db/allocations.js';
import { reserveAtPlacement } from '../../src/db/bookings.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { findJob, insertJob } from '../../src/db/jobs.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { reserveSpend, settleSpend } from '../../src/billing/spend.js';
import type { JobOrder, Placement } from '../../src/domain/job.js';
import { sentence } from '../../src/domain/outside.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';

let database: TestDatabase;
let sessionId: string;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
  sessionId = await putSession(pool(), testWallet);
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate allocations, providers cascade');
  await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
  await putProvider(pool(), { providerId: 'dear', gpuPrice: 0.75 });
});

const token = 10n ** 18n;
const said = sentence('it did not start');
const leave = (order: JobOrder, attempt: number) =>
  withTransaction(pool(), (tx) => vacate(tx, order.jobId, attempt, said));
const places = async (order: JobOrder): Promise<Record<string, Placement>> =>
  Object.fromEntries(
    (await placementCandidates(pool(), order, withoutPrices, 5)).map((place) => [place.providerId, place]),
  );
const rented = async (providerId: string) =>
  (await findProvider(pool(), providerId))!.resources.map(({ rented: amount }) => amount);
const nothing = [0, 0, 0, 0, 0];

/** An order of one hour in the database, with this reservation. */
async function ordered(session: string, reserved: bigint, changes: Partial<JobOrder> = {}): Promise<JobOrder> {
  const order = testOrder(changes);
  await withTransaction(pool(), async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: {} };
    await insertJob(tx, { ...order, ...rest, sessionId: session, reservedAmount: reserved });
    await reserveSpend(tx, { jobId: order.jobId, sessionId: session, amount: reserved });
  });
  return order;
}
async function account(session: string) {
  const { rows } = await pool().query<{ reserved: string; spent: string }>(
    'select reserved::text, spent::text from auth_sessions where id = $1',
    [session],
  );
  return { reserved: BigInt(rows[0]!.reserved), spent: BigInt(rows[0]!.spent) };
}
async function charge(order: JobOrder) {
  const { rows } = await pool().query<Record<string, string>>(
    `select c.reserved::text, c.ordered::text, j.reserved_amount::text as shown
       from auth_charges c join jobs j using (job_id) where job_id = $1`,
    [order.jobId],
  );
  return rows[0]!;
}

describe('a move', () => {
  test('a move releases the allocation at one provider and makes one at the next', async () => {
    const order = await ordered(sessionId, token);
    const { cheap, dear } = await places(order);
    expect(await allocate(pool(), order, cheap!)).toBe('allocated');
    expect(await leave(order, 1)).toBe(true);
    expect(await rented('cheap')).toEqual(nothing);
    expect(await findJob(pool(), order.wallet, order.jobId)).toMatchObject({ status: 'pending', message: said });
    expect(await movesOf(pool(), order.jobId)).toEqual({ attempt: 2, failedAt: ['cheap'] });
    expect(await allocate(pool(), order, dear!, 2)).toBe('allocated');
    expect(await rented('dear')).not.toEqual(nothing);
    const job = await findJob(pool(), order.wallet, order.jobId);
    expect(job).toMatchObject({ status: 'provisioning', providerId: 'dear', pricePerHour: 0.75 });
  });

  test('a move that is repeated or comes late releases nothing that is now held elsewhere', async () => {
    const order = await ordered(sessionId, token);
    const { cheap, dear } = await places(order);
    await allocate(pool(), order, cheap!);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => leave(order, 1)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    await allocate(pool(), order, dear!, 2);
    expect(await leave(order, 1)).toBe(false);
    expect(await findAllocation(pool(), order.jobId)).toMatchObject({ providerId: 'dear' });
    expect(await rented('cheap')).toEqual(nothing);
  });

  test('after a move no earlier placement takes capacity again', async () => {
    const order = await ordered(sessionId, token);
    const { cheap } = await places(order);
    await allocate(pool(), order, cheap!);
    await leave(order, 1);
    expect(await allocate(pool(), order, cheap!)).toBe('released');
    expect(await rented('cheap')).toEqual(nothing);
  });

  test('a move and the end of its job at the same moment leave nothing allocated, in whatever order they come', async () => {
    const orders = await Promise.all(Array.from({ length: 30 }, () => ordered(sessionId, token)));
    const { cheap, dear } = await places(orders[0]!);
    await Promise.all(
      orders.map(async (order, index) => {
        await allocate(pool(), order, cheap!);
        const moving = leave(order, 1).then(() => allocate(pool(), order, dear!, 2));
        if (index % 3 === 0) await moving;
        await release(pool(), order.jobId);
        await moving;
        expect(await allocate(pool(), order, dear!, 2)).toBe('released');
        expect(await leave(order, 2)).toBe(false);
      }),
    );
    expect(await rented('cheap')).toEqual(nothing);
    expect(await rented('dear')).toEqual(nothing);
  });
});

describe('a reservation', () => {
  test('a reservation becomes the cost of the placement together with the allocation, even when others order at the same time', async () => {
    const [one, two] = await Promise.all([putSession(pool(), testWallet), putSession(pool(), testWallet)]);
    const orders = await Promise.all([
      ...Array.from({ length: 4 }, () => ordered(one, 3n * token)),
      ...Array.from({ length: 4 }, () => ordered(two, 3n * token, { durationSeconds: 1_800 })),
    ]);
    expect(await account(one)).toEqual({ reserved: 12n * token, spent: 0n });
    const { cheap } = await places(orders[0]!);
    await Promise.all(orders.map((order) => allocate(pool(), order, cheap!)));
    expect(await account(one)).toEqual({ reserved: 2n * token, spent: 0n });
    expect(await account(two)).toEqual({ reserved: token, spent: 0n });
    const half = String(token / 2n);
    expect(await charge(orders[0]!)).toEqual({ reserved: half, ordered: String(3n * token), shown: half });
  });

  test('a reservation is raised by a move to a dearer provider, and settled once', async () => {
    const session = await putSession(pool(), testWallet);
    const order = await ordered(session, token / 2n);
    const { cheap, dear } = await places(order);
    await allocate(pool(), order, cheap!);
    await leave(order, 1);
    await allocate(pool(), order, dear!, 2);
    expect(await account(session)).toEqual({ reserved: (3n * token) / 4n, spent: 0n });
    await withTransaction(pool(), (tx) => settleSpend(tx, { jobId: order.jobId, endAt: new Date() }));
    expect(await account(session)).toEqual({ reserved: 0n, spent: 0n });
    const again = { jobId: order.jobId, attempt: 3, amount: token };
    expect(await withTransaction(pool(), (tx) => reserveAtPlacement(tx, again))).toEqual([]);
    expect(await account(session)).toEqual({ reserved: 0n, spent: 0n });
  });

  test('a move that would raise the reservation beyond the session’s limit allocates nothing', async () => {
    const session = await putSession(pool(), testWallet);
    await pool().query('update auth_sessions set spend_limit = $2 where id = $1', [session, String(token)]);
    const [first, second] = [await ordered(session, token / 2n), await ordered(session, token / 2n)];
    const { cheap, dear } = await places(first);
    for (const order of [first, second]) await allocate(pool(), order, cheap!);
    await leave(first, 1);
    expect(await allocate(pool(), first, dear!, 2)).toBe('unaffordable');
    expect(await rented('dear')).toEqual(nothing);
    expect(await findAllocation(pool(), first.jobId)).toBeUndefined();
    expect(await account(session)).toEqual({ reserved: token, spent: 0n });
  });
});
