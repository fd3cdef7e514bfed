import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { PrivateKeyAccount } from 'viem/accounts';
import type { Session } from '../../src/client/session.js';
import { recordHeartbeats } from '../../src/db/heartbeats.js';
import { noteOnline } from '../../src/db/provider-days.js';
import { noteSamples } from '../../src/db/provider-samples.js';
import { newWallet } from '../support/api.js';
import { putBilledJob, type BilledJob } from '../support/billed-jobs.js';
import { putProvider, putSession, recordOwner } from '../support/fleet.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
let owner: PrivateKeyAccount;
let session: Session;
let customer: { wallet: string; sessionId: string };
beforeAll(async () => {
  replicas = await startReplicas();
});
afterAll(() => replicas.stop());
beforeEach(async () => {
  await pool().query('truncate allocations, providers, jobs, auth_charges cascade');
  owner = newWallet();
  session = await replicas.api.login({ account: owner, scopes: ['providers:read'] });
  const wallet = newWallet().address.toLowerCase();
  customer = { wallet, sessionId: await putSession(pool(), wallet) };
  for (const id of ['atlas', 'borealis']) await put(id, owner);
  await put('castor', newWallet());
});

const pool = () => replicas.database.pool;
const put = async (providerId: string, { address }: PrivateKeyAccount) => {
  await putProvider(pool(), { providerId });
  await recordOwner(pool(), providerId, address.toLowerCase());
};
const ask = async (path: string, who = session) => await who.request('GET', `/api/v1${path}`);
// Tests read replies untyped: a wrong shape fails the expectation.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const body = async (path: string): Promise<any> => (await ask(path)).body;
const rented = (job: Partial<BilledJob> & { startedAt: Date }) =>
  putBilledJob(pool(), { ...customer, providerId: 'atlas', rate: 1_000_000_000_000_000_001n, ...job });
const at = (text: string) => new Date(`${text}Z`);
const november = 'from=2026-11-01&to=2026-12-01';

describe('the machines of an owner', () => {
  test('an owner finds his machines and nobody else’s, page by page', async () => {
    const first = await body('/me/providers?limit=1');
    const second = await body(`/me/providers?limit=1&cursor=${first.next_cursor}`);
    expect([first, second].map(({ providers }) => providers[0].provider_id)).toEqual(['atlas', 'borealis']);
    expect(second).not.toHaveProperty('next_cursor');
  });

  test('everybody finds the machines of a wallet, in whatever case it is written', async () => {
    const list = async (wallet: string) => {
      const { json } = await replicas.api.send('GET', `/api/v1/providers?wallet=${wallet}`);
      return (json.providers as { provider_id: string }[]).map(({ provider_id: id }) => id);
    };
    expect(await list(owner.address)).toEqual(['atlas', 'borealis']);
    expect(await list(owner.address.toLowerCase())).toEqual(['atlas', 'borealis']);
    expect(await list(newWallet().address)).toEqual([]);
    const { status, json } = await replicas.api.send('GET', '/api/v1/providers?wallet=me');
    expect([status, json]).toMatchObject([422, { errors: [{ field: 'query.wallet' }] }]);
  });

  test('a machine shows its owner why it is away, how busy it was, how many jobs it has and how reliable it is', async () => {
    await rented({ startedAt: new Date(Date.now() - 60_000) });
    await recordHeartbeats(pool(), [
      {
        ...{ providerId: 'atlas', atMs: Date.now() + 1_000 },
        telemetry: {
          ...{ status: '', node_name: '', gpu_usage: [95, 1e9], cpu_usage: 31, memory_usage: 40, active_jobs: 1 },
        },
      },
    ]);
    await noteOnline(pool(), 7 * 86_400);
    await pool().query(
      `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                        issued_at, expires_at, bound_at)
       values ('atlas', $1, $1, '{}', '0x', 1, '0x' || repeat('0', 64), now(), '2027-01-01T00:00:00Z', now())
       on conflict do nothing`,
      [owner.address.toLowerCase()],
    );
    await pool().query(
      `update providers set agent_version = '2.0.0', status = 'offline', status_reason = 'its node is not ready', node_ready = false
        where provider_id = 'atlas'`,
    );
    const [atlas] = (await body('/me/providers')).providers;
    expect(atlas).toMatchObject({
      ...{ state_reason: 'its node is not ready', agent_version: '2.0.0', running_jobs: 1 },
      ...{ delegation_expires_at: '2027-01-01T00:00:00.000Z', reliability: { online_30d: 1, lost_jobs_30d: 0 } },
      usage: { gpu: [95, 100], cpu: 31, memory: 40, at: expect.any(String) },
    });
  });
});

describe('the jobs at a machine', () => {
  test('an owner sees the jobs at his machine, and neither whose they are nor what they run', async () => {
    const { jobId } = await rented({ startedAt: new Date(Date.now() - 60_000), reserved: 77n, jobName: 'secret plan' });
    const ended = await rented({ startedAt: at('2026-11-24T01:00:00'), endedAt: at('2026-11-24T02:00:00') });
    const { jobs } = await body('/providers/atlas/jobs');
    expect(jobs).toMatchObject([
      { job_id: ended.jobId, status: 'cancelled', earned: ended.spent.toString(), pending: '0' },
      { job_id: jobId, status: 'running', gpu_count: 1, earned: '0', pending: '77' },
    ]);
    const shown = JSON.stringify(jobs);
    for (const secret of [customer.wallet, customer.sessionId, 'secret plan', 'debian'])
      expect(shown).not.toContain(secret);
    expect((await body('/providers/atlas/jobs?status=active')).jobs).toHaveLength(1);
    expect(await body('/providers/borealis/jobs')).toEqual({ jobs: [], count: 0 });
  });

  test('pages of jobs have each job once', async () => {
    for (let day = 1; day <= 5; day++) {
      await rented({ startedAt: at(`2026-11-0${day}T01:00:00`), endedAt: at(`2026-11-0${day}T02:00:00`) });
    }
    // Orders of the same millisecond.
    await pool().query(`update jobs set created_at = '2026-11-09T00:00:00Z'`);
    const found: string[] = [];
    for (let cursor = ''; ;) {
      const page = await body(`/providers/atlas/jobs?limit=2${cursor}`);
      found.push(...(page.jobs as { job_id: string }[]).map(({ job_id: id }) => id));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect([found.length, new Set(found).size]).toEqual([5, 5]);
  });
});

describe('what machines earned', () => {
  test('the earnings of a machine, and of all of an owner’s, are what their customers were charged', async () => {
    const ranges = [
      ['atlas', '2026-11-23T23:00:00', '2026-11-24T01:00:00.001'],
      ['atlas', '2026-11-24T02:00:00', '2026-11-24T03:00:00.777'],
      ['borealis', '2026-11-25T02:00:00', '2026-11-25T03:00:00'],
      ['castor', '2026-11-25T02:00:00', '2026-11-25T03:00:00'],
    ] as const;
    const spent: Record<string, bigint> = {};
    for (const [providerId, from, to] of ranges) {
      const job = await rented({ providerId, startedAt: at(from), endedAt: at(to), jobName: 'secret plan' });
      spent[providerId] = (spent[providerId] ?? 0n) + job.spent;
    }
    expect(await body(`/providers/atlas/earnings?${november}`)).toMatchObject({
      by: 'day',
      rows: [{ key: '2026-11-24', jobs: 2, seconds: 10_800.778, earned: spent['atlas']!.toString(), pending: '0' }],
      total: { earned: spent['atlas']!.toString() },
    });
    const all = (spent['atlas']! + spent['borealis']!).toString();
    expect(await body(`/me/earnings?by=provider&${november}`)).toMatchObject({
      rows: [{ key: 'atlas' }, { key: 'borealis', earned: spent['borealis']!.toString() }],
      total: { earned: all, jobs: 3 },
    });
    const byJob = await body(`/me/earnings?by=job&${november}`);
    expect(byJob.rows).toHaveLength(3);
    expect(JSON.stringify(byJob)).not.toContain('secret plan');
  });

  test('the table of earnings has no name of a customer in it', async () => {
    await rented({ startedAt: at('2026-11-24T02:00:00'), endedAt: at('2026-11-24T03:00:00'), jobName: 'secret plan' });
    const headers = { accept: 'text/csv' };
    const reply = await session.request(
      'GET',
      `/api/v1/providers/atlas/earnings?by=job&${november}`,
      undefined,
      headers,
    );
    const [header, row] = (reply.body as string).split('\r\n');
    expect(header).toBe(
      'job_id,provider_id,gpu_type,from,to,seconds,earned,pending,fee,refunded,earned_tokens,pending_tokens,fee_tokens,refunded_tokens',
    );
    expect(row).toMatch(/,atlas,.*,3600,1000000000000000001,0,0,0,1\.000000000000000001,0,0,0$/);
    expect(reply.body).not.toContain('secret plan');
  });
});

test('the use of a machine is shown by columns for each range', async () => {
  await recordHeartbeats(pool(), [
    {
      ...{ providerId: 'atlas', atMs: Date.now() + 1_000 },
      telemetry: { status: '', node_name: '', gpu_usage: [50], cpu_usage: 31, memory_usage: 40, active_jobs: 0 },
    },
  ]);
  await noteSamples(pool(), 300);
  for (const [range, steps, stepS] of [
    ['24h', 288, 300],
    ['7d', 336, 1_800],
    ['30d', 360, 7_200],
  ] as const) {
    const usage = await body(`/providers/atlas/usage?range=${range}`);
    expect([usage.step_s, ...['gpu', 'cpu', 'memory', 'rented_gpus'].map((name) => usage[name].length)]).toEqual([
      ...[stepS, steps, steps, steps, steps],
    ]);
    // A new slot may have begun since the sample.
    expect(usage.gpu.slice(-2)).toContain(50);
  }
});

test.each(['jobs', 'earnings', 'usage'])('the %s of a machine are for its owner and for operators', async (what) => {
  const reply = await ask(`/providers/castor/${what}`);
  expect([reply.status, reply.body]).toMatchObject([404, { code: 'provider_not_found' }]);
});
