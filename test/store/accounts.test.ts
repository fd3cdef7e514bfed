import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { extendJob, reserveSpend, settleSpend } from '../../src/billing/spend.js';
import { settleCharges } from '../../src/db/auth-charges.js';
import { revokeSession } from '../../src/db/auth-sessions.js';
import { reserveAtPlacement } from '../../src/db/bookings.js';
import { markRunning } from '../../src/db/job-changes.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction, type Transaction } from '../../src/db/pool.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession, testOrder, testWallet } from '../support/fleet.js';

const hourS = 3_600;
/** One token an hour, and one token. */
const token = 10n ** 18n;

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const inTransaction = <T>(work: (tx: Transaction) => Promise<T>) => withTransaction(database.pool, work);

async function sessionWith(limit: bigint): Promise<string> {
  const id = await putSession(database.pool, testWallet);
  await database.pool.query('update auth_sessions set spend_limit = $2 where id = $1', [id, limit.toString()]);
  return id;
}
const expire = (id: string) =>
  database.pool.query(`update auth_sessions set expires_at = now() - interval '1 millisecond' where id = $1`, [id]);
const revoke = (id: string) => revokeSession(database.pool, testWallet, id, new Date());

async function account(id: string): Promise<{ reserved: bigint; spent: bigint }> {
  const { rows } = await database.pool.query<{ reserved: string; spent: string }>(
    'select reserved::text, spent::text from auth_sessions where id = $1',
    [id],
  );
  return { reserved: BigInt(rows[0]!.reserved), spent: BigInt(rows[0]!.spent) };
}
async function charges(jobId: string): Promise<[requestId: string, reserved: bigint, spent: bigint | null][]> {
  const { rows } = await database.pool.query<{ request_id: string; reserved: string; spent: string | null }>(
    'select request_id, reserved::text, spent::text from auth_charges where job_id = $1 order by created_at',
    [jobId],
  );
  return rows.map((row) => [row.request_id, BigInt(row.reserved), row.spent === null ? null : BigInt(row.spent)]);
}

const order = (sessionId: string, amount: bigint, jobId: string = randomUUID()) =>
  inTransaction((tx) => reserveSpend(tx, { jobId, sessionId, amount })).then(() => jobId);

const startedAt = new Date(Date.now() - 10 * 3_600_000);

/** A job at one token an hour that has run for ten hours out of a hundred, with this reservation. */
async function running(sessionId: string, amount: bigint): Promise<string> {
  const job = testOrder();
  await inTransaction(async (tx) => {
    const rest = { sessionId, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: amount };
    await insertJob(tx, { ...job, ...rest });
    await reserveSpend(tx, { jobId: job.jobId, sessionId, amount });
    await tx.query('update jobs set rate = $2 where job_id = $1', [job.jobId, token.toString()]);
    const ssh = { host: '203.0.113.1', port: 30_000, user: 'root' } as const;
    const expiresAt = new Date(startedAt.getTime() + 100 * 3_600_000);
    await markRunning(tx, job.jobId, { ssh, podUid: 'uid', startedAt, expiresAt });
  });
  return job.jobId;
}
const extend = (jobId: string, hours: number, sessionId?: string) =>
  inTransaction((tx) =>
    extendJob(tx, { jobId, requestId: randomUUID(), seconds: hours * hourS, maxDurationS: 1e9, sessionId }),
  );
const settle = (jobId: string, hours: number) =>
  inTransaction((tx) => settleSpend(tx, { jobId, endAt: new Date(startedAt.getTime() + hours * 3_600_000) }));

describe('a session', () => {
  test.each([
    ['that has expired', expire, 'session_expired'],
    ['that was revoked', revoke, 'session_revoked'],
  ])('a session %s pays for neither an order nor an extension', async (_, end, code) => {
    const session = await sessionWith(100n * token);
    const jobId = await running(session, 2n * token);
    await end(session);
    await expect(order(session, token)).rejects.toMatchObject({ code });
    await expect(extend(jobId, 1)).rejects.toMatchObject({ code });
    expect(await account(session)).toEqual({ reserved: 2n * token, spent: 0n });
    expect(await charges(jobId)).toEqual([['', 2n * token, null]]);
    const { rows } = await database.pool.query('select from auth_charges where session_id = $1', [session]);
    expect(rows).toHaveLength(1);
  });

  test('a session pays up to the last unit of its limit, and spent amounts count as well as reserved ones', async () => {
    const session = await sessionWith(4n * token);
    const jobId = await running(session, 2n * token);
    await settle(jobId, 1);
    expect(await account(session)).toEqual({ reserved: 0n, spent: token });
    await expect(order(session, 3n * token + 1n)).rejects.toMatchObject({
      code: 'spend_limit_exceeded',
      extra: { required: String(3n * token + 1n), remaining: String(3n * token), spend_limit: String(4n * token) },
    });
    await order(session, 3n * token);
    await expect(order(session, 1n)).rejects.toMatchObject({ code: 'spend_limit_exceeded' });
    await order(session, 0n);
    expect(await account(session)).toEqual({ reserved: 3n * token, spent: token });
  });

  test('a session pays once for an order that is sent again', async () => {
    const session = await sessionWith(5n * token);
    const jobId = await order(session, 2n * token);
    await order(session, 2n * token, jobId);
    await order(session, 4n * token, jobId);
    expect(await account(session)).toEqual({ reserved: 2n * token, spent: 0n });
  });
});

describe('a job that is settled', () => {
  test('a settled job is not extended although its row still says that it runs', async () => {
    const session = await sessionWith(100n * token);
    const jobId = await running(session, 20n * token);
    await settle(jobId, 10);
    await expect(extend(jobId, 1)).rejects.toMatchObject({ code: 'job_ended' });
    expect(await charges(jobId)).toEqual([['', 20n * token, 10n * token]]);
    expect(await account(session)).toEqual({ reserved: 0n, spent: 10n * token });
  });

  test('a job is settled once, and a later result for the same end changes nothing', async () => {
    const session = await sessionWith(100n * token);
    const jobId = await running(session, 20n * token);
    expect(await settle(jobId, 7)).toMatchObject({ charged: 7n * token, billed: { billedMs: 7 * 3_600_000 } });
    expect(await settle(jobId, 9)).toBeUndefined();
    expect(await settle(jobId, 0)).toBeUndefined();
    expect(await inTransaction((tx) => settleCharges(tx, jobId, 15n * token))).toEqual([]);
    expect(await account(session)).toEqual({ reserved: 0n, spent: 7n * token });
    expect(await charges(jobId)).toEqual([['', 20n * token, 7n * token]]);
  });

  test('a job costs no more than its reservation, whatever its bill says', async () => {
    const session = await sessionWith(100n * token);
    const jobId = await running(session, 3n * token);
    expect(await settle(jobId, 10)).toMatchObject({ charged: 3n * token });
    expect(await account(session)).toEqual({ reserved: 0n, spent: 3n * token });
  });

  test('a job is paid first by its order and then by its extensions in sequence, each from the session that requested it', async () => {
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => sessionWith(100n * token)));
    const jobId = await running(first!, 4n * token);
    await extend(jobId, 5, second);
    await extend(jobId, 6, third);
    expect(await settle(jobId, 7)).toMatchObject({ charged: 7n * token });
    expect((await charges(jobId)).map(([, reserved, spent]) => [reserved, spent])).toEqual([
      [4n * token, 4n * token],
      [5n * token, 3n * token],
      [6n * token, 0n],
    ]);
    expect(await Promise.all([first!, second!, third!].map(account))).toEqual([
      { reserved: 0n, spent: 4n * token },
      { reserved: 0n, spent: 3n * token },
      { reserved: 0n, spent: 0n },
    ]);
  });
});

describe('the cost of a placement', () => {
  let attempt = 0;
  const placedAt = (jobId: string, amount: bigint) =>
    inTransaction((tx) => reserveAtPlacement(tx, { jobId, attempt: ++attempt, amount })).then(
      (near) => near !== undefined,
    );

  test('a placement lowers the reservation to its cost, or raises it up to the session’s limit', async () => {
    const session = await sessionWith(10n * token);
    const jobId = await running(session, 4n * token);
    const other = await order(session, 3n * token);
    expect(await placedAt(jobId, token)).toBe(true);
    expect(await account(session)).toEqual({ reserved: 4n * token, spent: 0n });
    expect(await placedAt(jobId, 7n * token + 1n)).toBe(false);
    expect(await charges(jobId)).toEqual([['', token, null]]);
    expect(await placedAt(jobId, 7n * token)).toBe(true);
    expect(await account(session)).toEqual({ reserved: 10n * token, spent: 0n });
    expect(await charges(other)).toEqual([['', 3n * token, null]]);
    const { rows } = await database.pool.query<{ shown: string; ordered: string }>(
      `select j.reserved_amount::text as shown, c.ordered::text as ordered
         from jobs j join auth_charges c using (job_id) where job_id = $1`,
      [jobId],
    );
    expect(rows).toEqual([{ shown: String(7n * token), ordered: String(4n * token) }]);
  });

  test.each([
    ['that has expired', expire],
    ['that was revoked', revoke],
  ])('a reservation is not raised in a session %s, and may still be lowered', async (_, end) => {
    const session = await sessionWith(10n * token);
    const jobId = await running(session, 4n * token);
    await end(session);
    expect(await placedAt(jobId, 4n * token + 1n)).toBe(false);
    expect(await placedAt(jobId, 4n * token)).toBe(true);
    expect(await placedAt(jobId, 3n * token)).toBe(true);
    expect(await account(session)).toEqual({ reserved: 3n * token, spent: 0n });
  });

  test('what the session has spent limits how far a reservation can be raised', async () => {
    const session = await sessionWith(10n * token);
    await settle(await running(session, 6n * token), 6);
    const jobId = await running(session, token);
    expect(await placedAt(jobId, 4n * token + 1n)).toBe(false);
    expect(await placedAt(jobId, 4n * token)).toBe(true);
  });

  test('a placement changes no account that is already settled', async () => {
    const session = await sessionWith(10n * token);
    const jobId = await running(session, 4n * token);
    await settle(jobId, 2);
    expect(await placedAt(jobId, 9n * token)).toBe(true);
    expect(await charges(jobId)).toEqual([['', 4n * token, 2n * token]]);
    expect(await account(session)).toEqual({ reserved: 0n, spent: 2n * token });
  });
});
