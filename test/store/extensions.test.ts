import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { extendJob, maxExtensions, reserveSpend, settleSpend } from '../../src/billing/spend.js';
import { markRunning } from '../../src/db/job-changes.js';
import { findJob, insertJob } from '../../src/db/jobs.js';
import { withTransaction, type Transaction } from '../../src/db/pool.js';
import { instantAt, type Printable } from '../../src/domain/outside.js';
import { closingsWithoutText } from '../../src/observability/metrics.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';
import { jobRecords } from '../support/job-records.js';
import { createRandom } from '../support/random.js';

const hour = 3_600;
const maxDurationS = 30 * 86_400;
/** 2 tokens an hour. */
const rate = 2_000_000_000_000_000_000n;

let database: TestDatabase;
let records: ReturnType<typeof jobRecords>;
beforeAll(async () => {
  database = await freshDatabase();
  records = jobRecords(database.pool);
});
afterAll(() => database.close());

const inTransaction = <T>(work: (tx: Transaction) => Promise<T>) => withTransaction(database.pool, work);

interface Running {
  jobId: string;
  sessionId: string;
  startedAt: Date;
  expiresAt: Date;
}

/** A running job of one hour, at 2 tokens an hour. */
async function running({ sessionId }: { sessionId?: string } = {}): Promise<Running> {
  const order = testOrder({ durationSeconds: hour });
  const paying = sessionId ?? (await putSession(database.pool, testWallet));
  const startedAt = new Date(Date.now() - 60_000);
  const expiresAt = new Date(startedAt.getTime() + hour * 1000);
  await inTransaction(async (tx) => {
    const job = { ...order, sessionId: paying, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: rate };
    await insertJob(tx, job);
    await reserveSpend(tx, { jobId: order.jobId, sessionId: paying, amount: rate });
    await tx.query('update jobs set rate = $2 where job_id = $1', [order.jobId, rate.toString()]);
    const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
    await markRunning(tx, order.jobId, { ssh, podUid: 'uid', startedAt, expiresAt });
  });
  return { jobId: order.jobId, sessionId: paying, startedAt, expiresAt };
}

const extend = (
  job: Running,
  requestId: string,
  seconds = hour,
  options: Partial<Parameters<typeof extendJob>[1]> = {},
) => inTransaction((tx) => extendJob(tx, { jobId: job.jobId, requestId, seconds, maxDurationS, ...options }));
const stored = async ({ jobId }: Running) => (await findJob(database.pool, testWallet, jobId))!;
const charges = async ({ jobId }: Running) => {
  const { rows } = await database.pool.query<{ reserved: string; ordered: string; seconds: number | null }>(
    `select reserved::text, ordered::text, seconds from auth_charges where job_id = $1 and request_id <> ''`,
    [jobId],
  );
  return rows;
};
const session = async (id: string) => {
  const { rows } = await database.pool.query<{ reserved: string; spent: string }>(
    'select reserved::text, spent::text from auth_sessions where id = $1',
    [id],
  );
  return rows[0]!;
};

describe('an extension', () => {
  test('an extension moves the expiry once for ever, whatever comes between it and its repeat', async () => {
    const job = await running();
    const first = await extend(job, 'first');
    expect(first.getTime()).toBe(job.expiresAt.getTime() + hour * 1000);
    for (let n = 0; n < 70; n++) await extend(job, `other-${n}`, 60);
    const last = await stored(job);
    expect(await extend(job, 'first')).toEqual(last.expiresAt);
    expect(await stored(job)).toEqual(last);
    expect(last.expiresAt!.getTime()).toBe(job.expiresAt.getTime() + (hour + 70 * 60) * 1000);
    expect(await charges(job)).toHaveLength(71);
  });

  test('an extension under a key that was used for other hours is a conflict, and changes nothing', async () => {
    const job = await running();
    await extend(job, 'key');
    const before = await stored(job);
    await expect(extend(job, 'key', 2 * hour)).rejects.toMatchObject({ code: 'idempotency_conflict' });
    expect(await stored(job)).toEqual(before);
    expect(await charges(job)).toEqual([{ reserved: rate.toString(), ordered: rate.toString(), seconds: hour }]);
  });

  test('a refused extension leaves its key unused', async () => {
    const job = await running();
    await expect(extend(job, 'key', hour, { maxDurationS: hour })).rejects.toMatchObject({ code: 'duration_limit' });
    expect((await extend(job, 'key', 2 * hour)).getTime()).toBe(job.expiresAt.getTime() + 2 * hour * 1000);
  });

  test('an extension for which a version up to 0.1.0 stored no hours is recognized by its key', async () => {
    const job = await running();
    const moved = await extend(job, 'old');
    await database.pool.query(`update auth_charges set seconds = null, ordered = null where job_id = $1`, [job.jobId]);
    expect(await extend(job, 'old', 5 * hour)).toEqual(moved);
  });

  test('an extension that runs beside a refused one moves the expiry by its own hours only', async () => {
    const poor = await putSession(database.pool, testWallet);
    await database.pool.query('update auth_sessions set spend_limit = 0 where id = $1', [poor]);
    for (let round = 0; round < 10; round++) {
      const job = await running();
      const answers = await Promise.allSettled([
        extend(job, 'paid', hour),
        extend(job, 'refused', 2 * hour, { sessionId: poor }),
      ]);
      expect(answers[1]).toMatchObject({ reason: { code: 'spend_limit_exceeded' } });
      const expected = new Date(job.expiresAt.getTime() + hour * 1000);
      expect(answers[0]).toMatchObject({ value: expected });
      expect((await stored(job)).expiresAt).toEqual(expected);
    }
  });

  test('of 500 extensions that eight clients repeat at random each counts exactly once', async () => {
    const job = await running();
    const random = createRandom(11);
    const requests = Array.from({ length: 500 }, (_, n) => ({ key: `k${n}`, seconds: random.whole(1, 600) }));
    const client = async () => {
      const { whole } = createRandom(random.whole(1, 1e9));
      for (let n = 0; n < 250; n++) {
        const { key, seconds } = requests[whole(0, requests.length - 1)]!;
        await extend(job, key, seconds);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    await Promise.all(requests.map(({ key, seconds }) => extend(job, key, seconds)));
    const addedS = requests.reduce((sum, { seconds }) => sum + seconds, 0);
    expect((await stored(job)).expiresAt!.getTime()).toBe(job.expiresAt.getTime() + addedS * 1000);
    const reserved = (await charges(job)).reduce((sum, charge) => sum + BigInt(charge.reserved), 0n);
    expect((await session(job.sessionId)).reserved).toBe(String(reserved + rate));
  }, 60_000);

  test('after a thousand extensions another one is refused, and repeats of the thousand are not', async () => {
    const job = await running();
    await database.pool.query(
      `insert into auth_charges (job_id, request_id, session_id, reserved, ordered, seconds)
       select $1, 'many-' || n, $2, 0, 0, 1 from generate_series(1, $3) n`,
      [job.jobId, job.sessionId, maxExtensions],
    );
    await expect(extend(job, 'one too many')).rejects.toMatchObject({ code: 'extension_limit', status: 409 });
    expect(await extend(job, 'many-7', 1)).toEqual(job.expiresAt);
  });

  test('an extension beyond the time in which the provider offers its machine is refused', async () => {
    const job = await running();
    const providerId = `prov-${randomUUID().slice(0, 8)}`;
    await putProvider(database.pool, { providerId });
    await database.pool.query(
      `insert into allocations (job_id, provider_id, wallet, node_name) values ($1, $2::text, $3, $2::text)`,
      [job.jobId, providerId, testWallet],
    );
    await database.pool.query(`update providers set available_until = $2 where provider_id = $1`, [
      providerId,
      new Date(job.expiresAt.getTime() + hour * 1000),
    ]);
    await expect(extend(job, 'too long', hour + 1)).rejects.toMatchObject({ code: 'duration_limit' });
    await extend(job, 'to the end', hour);
    await expect(extend(job, 'one second more', 1)).rejects.toMatchObject({ code: 'duration_limit' });
  });

  test('an extension of a job that is ending or over is refused', async () => {
    const job = await running();
    await records.recordEnding(job.jobId, 'the rented time is over' as Printable);
    await expect(extend(job, 'late')).rejects.toMatchObject({ code: 'job_ended' });
    expect(await charges(job)).toEqual([]);
  });
});

describe('the end of a job', () => {
  test('a job is settled once, whatever extensions and other ends come at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const job = await running();
      const endAt = new Date(job.startedAt.getTime() + 1_800_000);
      await Promise.allSettled([
        extend(job, 'a'),
        inTransaction((tx) => settleSpend(tx, { jobId: job.jobId, endAt })),
        extend(job, 'b'),
        inTransaction((tx) => settleSpend(tx, { jobId: job.jobId, endAt })),
      ]);
      await inTransaction((tx) => settleSpend(tx, { jobId: job.jobId, endAt }));
      expect(await session(job.sessionId)).toEqual({ reserved: '0', spent: String(rate / 2n) });
    }
  });

  test('ends of many jobs that share sessions do not deadlock', async () => {
    const sessions = await Promise.all([1, 2, 3].map(() => putSession(database.pool, testWallet)));
    const jobs = await Promise.all(Array.from({ length: 12 }, (_, n) => running({ sessionId: sessions[n % 3]! })));
    for (const [n, job] of jobs.entries()) {
      for (let s = 0; s < 3; s++) await extend(job, randomUUID(), 60, { sessionId: sessions[(n + s) % 3]! });
    }
    const { rows: before } = await database.pool.query<{ deadlocks: number }>(deadlocks);
    await Promise.all(
      jobs.map((job) => inTransaction((tx) => settleSpend(tx, { jobId: job.jobId, endAt: new Date() }))),
    );
    for (const id of sessions) expect((await session(id)).reserved).toBe('0');
    expect((await database.pool.query<{ deadlocks: number }>(deadlocks)).rows).toEqual(before);
  });

  test('a job ends without its failure text when the database does not accept the text', async () => {
    const job = await running();
    const before = (await closingsWithoutText.get()).values[0]!.value;
    // As if validation had let it through.
    const words = 'core\0dumped' as Printable;
    await records.recordEnding(job.jobId, words);
    expect((await stored(job)).status).toBe('ending');
    await records.releaseJob(testOrder({ jobId: job.jobId }), {
      status: 'failed',
      message: words,
      failure: { reason: 'container_exited', message: words },
      endAt: instantAt(Date.now()),
    });
    const over = await stored(job);
    expect(over).toMatchObject({ status: 'failed', failure: { reason: 'container_exited' } });
    expect(over.endedAt).toBeInstanceOf(Date);
    expect((await session(job.sessionId)).reserved).toBe('0');
    expect((await closingsWithoutText.get()).values[0]!.value).toBe(before + 2);
  });
});

const deadlocks = 'select deadlocks from pg_stat_database where datname = current_database()';
