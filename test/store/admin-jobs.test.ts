import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { allocate } from '../../src/db/allocations.js';
import { newWallet } from '../support/api.js';
import { testOrder } from '../support/fleet.js';
import { putBelongings, takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import type { Belongings } from '../support/route-attempts.js';

const operator = newWallet();
/** What the workflows of jobs were told: job, by whom and why. */
const cancelled: unknown[][] = [];

let replicas: Replicas;
let admin: Session;
let his: Belongings;
let hers: Belongings;
beforeAll(async () => {
  const commands = takingCommands([]);
  const jobs = {
    ...commands.jobs,
    async cancel(...[jobId, by, , reason]: Parameters<typeof commands.jobs.cancel>) {
      cancelled.push([jobId, by, reason]);
      return 'still_ending' as const;
    },
  };
  const env = { ADMIN_WALLETS: operator.address, TEMPORAL_UI_URL: 'https://temporal.example.com/ui/' };
  replicas = await startReplicas({ env, commands: { ...commands, jobs } });
  admin = await replicas.api.login({ account: operator, scopes: ['admin'] });
  [his, hers] = [await putBelongings(pool(), newWallet()), await putBelongings(pool(), newWallet())];
  await pool().query(
    `update jobs set created_at = now() - interval '2 hours', status = 'provisioning' where job_id = $1`,
    [hers.jobId],
  );
});
afterAll(() => replicas?.stop());
beforeEach(() => void cancelled.splice(0));

const pool = () => replicas.database.pool;
const list = async (query: string) => {
  const { status, body } = await admin.request('GET', `/api/v1/admin/jobs${query}`);
  expect([status, body]).toEqual([200, body]);
  return body as { jobs: { job_id: string }[]; next_cursor?: string };
};
const idsOf = async (query: string) => (await list(query)).jobs.map(({ job_id }) => job_id);

describe('the list of all jobs', () => {
  test('the list has the jobs of every customer, newest first, page by page', async () => {
    expect(await idsOf('')).toEqual([his.jobId, hers.jobId]);
    const first = await list('?limit=1');
    expect(first.jobs.map(({ job_id }) => job_id)).toEqual([his.jobId]);
    expect(await idsOf(`?limit=1&cursor=${first.next_cursor}`)).toEqual([hers.jobId]);
  });

  test('the list is narrowed by wallet, status and age', async () => {
    expect(await idsOf(`?wallet=${hers.wallet.address}`)).toEqual([hers.jobId]);
    expect(await idsOf('?status=running')).toEqual([his.jobId]);
    expect(await idsOf('?status=active')).toEqual([his.jobId, hers.jobId]);
    expect(await idsOf('?status=failed,provisioning')).toEqual([hers.jobId]);
    expect(await idsOf('?older_than_s=3600')).toEqual([hers.jobId]);
    expect(await idsOf('?provider_id=nobody')).toEqual([]);
  });

  test.each(['?status=runing', '?status=', '?wallet=0x1', '?older_than_s=-1', '?cursor=x', '?state=running'])(
    'the query %s is refused',
    async (query) => {
      expect((await admin.request('GET', `/api/v1/admin/jobs${query}`)).status).toBe(422);
    },
  );
});

test('a job says whose it is, where its pod is, and where Temporal shows its workflow', async () => {
  const order = testOrder({ jobId: his.jobId, wallet: his.wallet.address.toLowerCase(), gpuCount: 1 });
  await pool().query('update jobs set namespace = $2 where job_id = $1', [his.jobId, 'tenant-0123']);
  const place = { providerId: his.providerId, nodeName: 'node-1', gpuType: 'rtx-4090', pricePerHour: 0 };
  expect(await allocate(pool(), order, place)).toBe('allocated');
  const { body } = await admin.request('GET', `/api/v1/admin/jobs/${his.jobId}`);
  expect(body).toMatchObject({
    wallet: his.wallet.address.toLowerCase(),
    workflow_url: `https://temporal.example.com/ui/namespaces/default/workflows/job:${his.jobId}`,
    pod: { namespace: 'tenant-0123', name: `job-${his.jobId}`, node: 'node-1' },
  });
  expect(JSON.stringify(body)).not.toContain('of-the-owner');
});

describe('the end of a job by an operator', () => {
  const end = (jobId: string, body: unknown, headers?: Record<string, string>) =>
    admin.request('DELETE', `/api/v1/admin/jobs/${jobId}`, body, headers);
  const audited = async (target: string) =>
    (await pool().query(`select detail from audit_log where target = $1 and action = 'job.end'`, [target])).rows;

  test('the workflow learns that it was the operator and why, and the change is recorded', async () => {
    const { status, headers } = await end(hers.jobId, { reason: 'it mines' }, { prefer: 'respond-async' });
    expect([status, headers.get('location')]).toEqual([202, `/api/v1/admin/jobs/${hers.jobId}`]);
    expect(cancelled).toEqual([[hers.jobId, 'the operator', 'it mines']]);
    expect(await audited(hers.jobId)).toMatchObject([{ detail: { reason: 'it mines' } }]);
  });

  test('a job that has ended stays as it is, and nothing is recorded', async () => {
    const { jobId } = await putBelongings(pool(), newWallet());
    await pool().query(`update jobs set status = 'expired', ended_at = now() where job_id = $1`, [jobId]);
    const { status, body } = await end(jobId, { reason: 'it mines' });
    expect([status, (body as { status: string }).status]).toEqual([200, 'expired']);
    expect([cancelled, await audited(jobId)]).toEqual([[], []]);
  });

  test.each([[undefined], [{}], [{ reason: '' }], [{ reason: 'a\u001b[2Jb' }], [{ reason: 'x', by: 'me' }]])(
    'an end with the body %j is refused',
    async (body) => {
      expect((await end(his.jobId, body)).status).toBe(422);
      expect(cancelled).toEqual([]);
    },
  );

  test('no other route to delete something takes a body', async () => {
    const mine = await replicas.api.login({ account: his.wallet });
    const reply = await mine.request('DELETE', `/api/v1/jobs/${his.jobId}`, { reason: 'mine' });
    expect([reply.status, (reply.body as { code: string }).code]).toEqual([400, 'malformed_request']);
  });
});
