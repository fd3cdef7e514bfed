import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connect } from '../../src/client/index.js';
import type { Session } from '../../src/client/session.js';
import type { AskedMachine, JobUse, UseAnswer } from '../../src/domain/job-use.js';
import type { JobOrder } from '../../src/domain/job.js';
import { putProvider } from '../support/fleet.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { jobSteps, orderJob, type JobSteps } from '../support/told-jobs.js';

const at = new Date('2026-11-27T12:00:00Z');
const use: JobUse = {
  ...{ at, stepS: 30, limits: { cpuCores: 4 }, gpus: [{ index: 0, name: 'RTX 4090', memoryBytes: 24 }] },
  program: { state: 'restarting', exitCode: 1, restarts: 3, since: at, startsAt: new Date(at.getTime() + 4_000) },
  gpusLost: { had: 2, has: 1, since: at },
  samples: [
    { at: new Date(at.getTime() - 30_000), gpus: [] },
    { at, cpuCores: 1.5, memoryBytes: 7, gpus: [{ index: 0, busyPercent: 97 }] },
  ],
};

let replicas: Replicas;
let session: Session;
let token: string;
let steps: JobSteps;
let answer: () => Promise<UseAnswer>;
let asked: AskedMachine[];
const pool = () => replicas.database.pool;

beforeAll(async () => {
  replicas = await startReplicas({
    askUse: async (machine) => {
      asked.push(machine);
      return await answer();
    },
  });
  steps = jobSteps(pool());
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
});
afterAll(() => replicas.stop());
beforeEach(async () => {
  asked = [];
  answer = async () => ({ kind: 'use', use });
  await logIn();
});

async function logIn(): Promise<void> {
  session = await replicas.api.login({ spendLimit: 10n ** 24n });
  token = await session.token();
}

async function ordered(): Promise<JobOrder> {
  return await orderJob(pool(), session.sessionId, { wallet: session.wallet, gpuCount: 0 });
}

async function running(): Promise<JobOrder> {
  const order = await ordered();
  await steps.place(order);
  await steps.run(order);
  return order;
}

async function get({ jobId }: JobOrder, query = '', bearer = token) {
  const reply = await replicas.api.send('GET', `/api/v1/jobs/${jobId}/use${query}`, { bearer });
  return { status: reply.status, body: JSON.parse(reply.text) as Record<string, unknown> };
}

test('a job’s use is what its machine says, asked at its own address and with its own host key', async () => {
  const order = await running();
  const client = connect({
    api: replicas.api.url,
    audience: replicas.api.config.AUTH_AUDIENCE,
    token,
  });
  expect(await client.jobs.use(order.jobId)).toEqual({
    job_id: order.jobId,
    at: at.toISOString(),
    step_s: 30,
    limits: { cpu_cores: 4 },
    program: {
      ...{ state: 'restarting', exit_code: 1, restarts: 3, since: at.toISOString() },
      starts_at: '2026-11-27T12:00:04.000Z',
    },
    gpus: [{ index: 0, name: 'RTX 4090', memory_bytes: 24 }],
    gpus_lost: { had: 2, has: 1, since: at.toISOString() },
    samples: [
      { at: '2026-11-27T11:59:30.000Z', gpus: [] },
      { at: at.toISOString(), cpu_cores: 1.5, memory_bytes: 7, gpus: [{ index: 0, busy_percent: 97 }] },
    ],
  });
  expect(asked).toEqual([{ jobId: order.jobId, host: '198.18.0.1', port: 30_000, hostKey: 'ssh-ed25519 AAAA' }]);
  expect((await client.jobs.use(order.jobId, { last: 1 })).samples).toHaveLength(1);
});

test('a machine is asked once, however many ask at the same time and soon after', async () => {
  const order = await running();
  const replies = await Promise.all(Array.from({ length: 10 }, () => get(order)));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  await get(order);
  expect(asked).toHaveLength(1);
});

test.each([
  ['silent', 503, 'machine_unreachable'],
  ['unreadable', 503, 'machine_unreachable'],
  ['refused', 409, 'machine_not_asked'],
] as const)('a machine that is %s is told with what to do instead', async (kind, status, code) => {
  answer = async () => ({ kind });
  const reply = await get(await running());
  expect(reply).toMatchObject({ status, body: { code, detail: expect.stringContaining('wl top') } });
});

test('a job that does not run is not asked about, and neither is somebody else’s', async () => {
  const waiting = await ordered();
  expect(await get(waiting)).toMatchObject({ status: 409, body: { code: 'job_not_running' } });
  const order = await running();
  const stranger = await replicas.api.login({ spendLimit: 1n });
  expect(await get(order, '', await stranger.token())).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
  await steps.end(order);
  expect(await get(order)).toMatchObject({ status: 409, body: { code: 'job_ended' } });
  expect(asked).toEqual([]);
});

test('a site whose broker reaches no SSH ports says so', async () => {
  const order = await running();
  const other = await replicas.start();
  try {
    const reply = await other.send('GET', `/api/v1/jobs/${order.jobId}/use`, { bearer: token });
    expect(reply.status).toBe(409);
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'machine_not_asked' });
  } finally {
    await other.stop();
  }
});

test('machines that hang take a few places of their own wallet and nobody else’s', async () => {
  const jobs = await Promise.all(Array.from({ length: 9 }, running));
  let release = () => undefined as void;
  const held = new Promise<void>((resolve) => (release = resolve));
  answer = async () => {
    await held;
    return { kind: 'silent' };
  };
  const hanging = jobs.slice(0, 8).map((order) => get(order));
  while (asked.length < 8) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await get(jobs[8]!)).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } });
  await logIn();
  answer = async () => ({ kind: 'use', use });
  expect((await get(await running())).status).toBe(200);
  release();
  expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 503));
});

test('a query that asks for too much is refused by its field', async () => {
  const order = await running();
  for (const query of ['?last=0', '?last=241', '?last=x', '?lost=1']) {
    expect((await get(order, query)).status).toBe(422);
  }
});
