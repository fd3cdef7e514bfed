import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newJobId } from '../../src/api/job-id.js';
import { encodeCursor } from '../../src/db/cursor.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession, testOrder } from '../support/fleet.js';
import { startTestApi, walletA, walletB, type Reply, type TestApi } from '../unit/api-harness.js';
import { jobStatuses, type JobStatus } from '../../src/wire/statuses.js';

let database: TestDatabase;
let api: TestApi;
/** Jobs of wallet A in the expected order: newest first, and by id within one moment. */
let listed: string[];
/** One job of each status. */
const byStatus = new Map<JobStatus, string[]>();
const moment = '2026-03-01T12:00:00.000Z';

beforeAll(async () => {
  database = await freshDatabase();
  api = await startTestApi({ pool: database.pool });
  const before = await put(walletA, '2026-03-01T11:59:59.999Z', 'expired');
  const same = [];
  for (const status of ['running', 'pending', 'failed'] as const) same.push(await put(walletA, moment, status));
  const after = await put(walletA, '2026-03-01T12:00:00.001Z', 'running');
  await put(walletB, moment, 'running');
  listed = [after, ...same.sort().reverse(), before];
});
afterAll(async () => {
  await api.stop();
  await database.close();
});

async function put(wallet: string, createdAt: string, status: JobStatus): Promise<string> {
  const { pool } = database;
  const jobId = newJobId();
  const sessionId = await putSession(pool, wallet);
  await withTransaction(pool, (tx) =>
    insertJob(tx, {
      ...testOrder({ jobId, wallet }),
      sessionId,
      requestSha256: '',
      sshPublicKeys: [],
      env: {},
      reservedAmount: 0n,
    }),
  );
  const isOver = !['pending', 'provisioning', 'running', 'ending'].includes(status);
  await pool.query(
    `update jobs set created_at = $2, status = $3, ended_at = case when $4 then now() end where job_id = $1`,
    [jobId, createdAt, status, isOver],
  );
  if (wallet === walletA) byStatus.set(status, [jobId, ...(byStatus.get(status) ?? [])]);
  return jobId;
}

const list = (query: string, as: 'a' | 'b' | 'a-read' = 'a') => api.send('GET', `/api/v1/jobs${query}`, { as });
const idsOf = ({ json }: Reply) => json.jobs.map(({ job_id }: { job_id: string }) => job_id) as string[];

/** All pages of a list, until one has no cursor. */
async function pages(query: string): Promise<string[][]> {
  const found: string[][] = [];
  for (let cursor = ''; ;) {
    const reply = await list(`${query}${cursor}`);
    expect(reply.status).toBe(200);
    expect(reply.json.count).toBe(reply.json.jobs.length);
    found.push(idsOf(reply));
    if (reply.json.next_cursor === undefined || found.length > 10) return found;
    cursor = `&cursor=${reply.json.next_cursor}`;
  }
}

describe('the jobs of a wallet', () => {
  test('the jobs of a wallet are listed newest first, without those of other wallets', async () => {
    expect(idsOf(await list(''))).toEqual(listed);
    expect(idsOf(await list('', 'a-read'))).toEqual(listed);
    expect(idsOf(await list('', 'b'))).toHaveLength(1);
  });

  test.each([1, 2, 3, 4, 5])(
    'the jobs of a wallet are each on one page of %i, even jobs of the same moment',
    async (limit) => {
      const found = await pages(`?limit=${limit}`);
      expect(found.flat()).toEqual(listed);
      expect(found.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      // The last page has no cursor, even if it is full.
      expect(found).toHaveLength(Math.ceil(listed.length / limit));
    },
  );

  test('the jobs of a wallet are listed 50 to a page by default', async () => {
    const { pool } = database;
    const others = `0x${'c'.repeat(40)}`;
    const sessionId = await putSession(pool, others);
    await pool.query(
      `insert into jobs (job_id, wallet, session_id, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s)
       select gen_random_uuid(), $1, $2, '', '', 1, 1, 1, 1, 60 from generate_series(1, 51)`,
      [others, sessionId],
    );
    const authenticate = async () => ({
      ...{ wallet: others, sessionId, sessionKey: others, kind: 'signed' as const, scopes: ['jobs:read'] as const },
      ...{ expiresAt: new Date(Date.now() + 60_000), spend: { limit: 0n, reserved: 0n, spent: 0n } },
    });
    const theirs = await startTestApi({ pool, authenticate });
    try {
      const first = (await theirs.send('GET', '/api/v1/jobs')).json;
      expect([first.count, typeof first.next_cursor]).toEqual([50, 'string']);
      expect((await theirs.send('GET', `/api/v1/jobs?cursor=${first.next_cursor}`)).json.count).toBe(1);
      expect((await theirs.send('GET', '/api/v1/jobs?limit=100')).json.count).toBe(51);
    } finally {
      await theirs.stop();
    }
  });

  test.each(jobStatuses)('the jobs of a wallet that are %s are found by that status', async (status) => {
    expect(idsOf(await list(`?status=${status}`)).sort()).toEqual((byStatus.get(status) ?? []).sort());
  });

  test('the jobs of a wallet are found by several statuses, and by all that are not over', async () => {
    const of = (...statuses: JobStatus[]) =>
      listed.filter((id) => statuses.some((one) => byStatus.get(one)?.includes(id)));
    expect(idsOf(await list('?status=failed,expired'))).toEqual(of('failed', 'expired'));
    expect(idsOf(await list('?status=active'))).toEqual(of('running', 'pending'));
    expect(idsOf(await list('?status=active,failed'))).toEqual(of('running', 'pending', 'failed'));
  });

  test('the jobs of a wallet are found by name, provider and time of the order, all of which must fit', async () => {
    const [newest, second] = listed as [string, string];
    await database.pool.query(`update jobs set job_name = 'train', provider_id = 'atlas' where job_id = any ($1)`, [
      [newest, second],
    ]);
    expect(idsOf(await list('?name=train'))).toEqual([newest, second]);
    expect(idsOf(await list('?name=trai'))).toEqual([]);
    expect(idsOf(await list('?provider_id=atlas'))).toEqual([newest, second]);
    expect(idsOf(await list(`?since=${encodeURIComponent('2026-03-01T13:00:00.001+01:00')}`))).toEqual([newest]);
    expect(idsOf(await list(`?name=train&since=${moment}`))).toEqual([newest, second]);
    expect(idsOf(await list('?name=train&provider_id=borealis'))).toEqual([]);
  });

  test('the jobs of a wallet with one status are listed page by page, too', async () => {
    const running = listed.filter((id) => byStatus.get('running')!.includes(id));
    expect(await pages('?status=running&limit=1')).toEqual(running.map((id) => [id]));
  });
});

test.each([
  'limit=0',
  'limit=101',
  'limit=1.5',
  'limit=-1',
  'status=done',
  'status=active,',
  'since=yesterday',
  'name=',
  'cursor=a.b',
])('the query %s is refused with the name of its field', async (query) => {
  const reply = await list(`?${query}`);
  expect([reply.status, reply.json.code]).toEqual([422, 'validation_failed']);
  expect(reply.json.errors).toMatchObject([{ field: `query.${query.split('=')[0]}` }]);
});

test.each([
  ['of the list of providers', encodeCursor(moment, 'prov-1')],
  ['that belongs to no list', encodeCursor(moment)],
  ['with one part too many', encodeCursor(moment, '00000000-0000-7000-8000-000000000000', 'more')],
  ['with its time in another format', encodeCursor('2026-03-01', '00000000-0000-7000-8000-000000000000')],
  ['that was truncated', encodeCursor(moment, '00000000-0000-7000-8000-000000000000').slice(0, -4)],
])('a cursor %s is refused', async (_, cursor) => {
  const reply = await list(`?cursor=${cursor}`);
  expect([reply.status, reply.json.code]).toEqual([422, 'validation_failed']);
  expect(reply.json.errors).toMatchObject([{ field: 'query.cursor' }]);
});

test('a cursor from another wallet’s list shows none of its jobs', async () => {
  const { json } = await list('?limit=1');
  const theirs = await list(`?cursor=${json.next_cursor}`, 'b');
  expect(idsOf(theirs).some((id) => listed.includes(id))).toBe(false);
});
