import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Oversight, WaitingWorkflow } from '../../src/api/oversight.js';
import type { Session } from '../../src/client/session.js';
import { printable } from '../../src/domain/outside.js';
import { deadLetterStream, streams } from '../../src/wire/streams.js';
import { newWallet, type Api } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { putBelongings, takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const operator = newWallet();
const waiting: WaitingWorkflow[] = [];
let asked = 0;
const oversight: Oversight = {
  reconcilerRuns: async () => ({ lastAt: new Date(0), repairs: 3, failures: 1 }),
  async waiting() {
    asked++;
    return { workflows: waiting, hasMore: true };
  },
};
const env = { ADMIN_WALLETS: operator.address, TEMPORAL_UI_URL: 'https://temporal.example.com' };

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas({ env, commands: { ...takingCommands([]), oversight } });
});
afterAll(() => replicas?.stop());
const pool = () => replicas.database.pool;

/** Asks an API that remembers nothing yet. */
async function fresh<T>(ask: (session: Session, api: Api) => Promise<T>): Promise<T> {
  const api = await replicas.start({ env, commands: { ...takingCommands([]), oversight } });
  try {
    return await ask(await api.login({ account: operator, scopes: ['admin'] }), api);
  } finally {
    await api.stop();
  }
}
const read = async (path: string) =>
  await fresh(async (session) => (await session.request('GET', path)).body as Record<string, unknown>);

describe('the overview', () => {
  test('the overview counts jobs, providers, GPUs and revenue', async () => {
    await pool().query('truncate jobs, auth_charges, providers cascade');
    const before = await read('/api/v1/admin/overview');
    expect(before).toMatchObject({
      ...{ jobs: { running: 0, provisioning: 0, pending: 0, ending: 0 }, time_to_ssh_s: null },
      ...{ gpus: { total: 0, rented: 0 }, revenue: { today: '0', '30d': '0' } },
      ...{ reconciler: { last_at: '1970-01-01T00:00:00.000Z', repairs_1h: 3, failures_1h: 1 } },
      temporal_ui: 'https://temporal.example.com',
    });
    const { jobId, sessionId } = await putBelongings(pool(), newWallet());
    await putProvider(pool(), { providerId: 'cordoned' });
    await pool().query(`update providers set cordoned = true where provider_id = 'cordoned'`);
    await pool().query(
      `update jobs set created_at = now() - interval '4 seconds', started_at = now() where job_id = $1`,
      [jobId],
    );
    for (const [requestId, days, spent] of [
      ['today', 0, '7'],
      ['then', 20, '50'],
      ['long ago', 40, '900'],
    ] as const) {
      await pool().query(
        `insert into auth_charges (job_id, request_id, session_id, reserved, spent, settled_at)
         values ($1, $2, $3, $4, $4, now() - make_interval(days => $5))`,
        [jobId, requestId, sessionId, spent, days],
      );
    }
    expect(await read('/api/v1/admin/overview')).toMatchObject({
      ...{ jobs: { running: 1, provisioning: 0 }, providers: { available: 1, busy: 1, retired: 0 } },
      ...{ gpus: { total: 16, rented: 0 }, revenue: { today: '7', '30d': '57' } },
      time_to_ssh_s: { p50: 4, p95: 4 },
    });
  });

  test('the overview says how far the streams are read, whatever somebody put there', async () => {
    const { redis } = replicas.redis;
    await redis.xgroup('CREATE', streams.heartbeat, 'broker', '0', 'MKSTREAM');
    for (let at = 0; at < 3; at++) await redis.xadd(streams.heartbeat, '*', 'data', '{}');
    await redis.xadd(deadLetterStream(streams.registration), '*', 'reason', 'x');
    await redis.set(deadLetterStream(streams.capacity), 'not a stream');
    const { streams: figures } = await read('/api/v1/admin/overview');
    expect(figures).toEqual([
      { name: streams.registration, lag: 0, oldest_pending_s: 0, dead_letters: 1 },
      { name: streams.heartbeat, lag: 3, oldest_pending_s: 0, dead_letters: 0 },
      { name: streams.capacity, lag: 0, oldest_pending_s: 0, dead_letters: 0 },
    ]);
    await redis.unlink(...Object.values(streams).flatMap((name) => [name, deadLetterStream(name)]));
  });

  test('a system that does not answer leaves out its own part only', async () => {
    const away = await replicas.start({ env });
    await pool().query('truncate jobs cascade');
    await putBelongings(pool(), newWallet());
    try {
      const session = await away.login({ account: operator, scopes: ['admin'] });
      const { status, body } = await session.request('GET', '/api/v1/admin/overview');
      expect([status, body]).toMatchObject([200, { reconciler: null, jobs: { running: 1 } }]);
    } finally {
      await away.stop();
    }
  });
});

test('what is stuck says for how long, why and what may help, and is read once for all who ask', async () => {
  const startedAt = new Date(Date.now() - 200_000);
  waiting.push({
    ...{ workflowId: 'job:one', kind: 'job', id: 'one', state: 'provisioning', startedAt, attempts: 0 },
    ...{ waitsFor: printable('stuck, image_pull_failed: 403 from ghcr.io')!, codeFails: false, isUnserved: false },
    since: new Date(Date.now() - 100_000),
  });
  const endsAt = new Date(startedAt.getTime() + replicas.api.config.JOB_START_TIMEOUT_S * 1_000).toISOString();
  const endsAtMinute = `${endsAt.slice(0, 10)} ${endsAt.slice(11, 16)} UTC`;
  await fresh(async (session) => {
    asked = 0;
    const replies = await Promise.all(Array.from({ length: 5 }, () => session.request('GET', '/api/v1/admin/stuck')));
    const body = replies[0]!.body as { items: { age_s: number }[] };
    expect(body).toMatchObject({
      has_more: true,
      items: [
        {
          ...{ kind: 'job', id: 'one', state: 'provisioning' },
          waits_for: 'stuck, image_pull_failed: 403 from ghcr.io',
          suggest: expect.stringContaining(`it ends by itself at ${endsAtMinute}`),
          workflow_url: 'https://temporal.example.com/namespaces/default/workflows/job:one',
        },
      ],
    });
    expect(Math.abs(body.items[0]!.age_s - 100)).toBeLessThan(30);
    expect((await session.request('GET', '/api/v1/admin/stuck')).status).toBe(200);
    expect(asked).toBe(1);
  });
});
