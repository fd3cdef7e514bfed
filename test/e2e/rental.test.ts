import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import pg from 'pg';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Reply, Session } from '../../src/client/session.js';
import { jobObjectName } from '../../src/domain/job.js';
import { connectKubernetes } from '../../src/kubernetes/client.js';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { exportHistories, findSecrets } from '../support/secrets.js';
import { until } from '../support/until.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const order = (changes: object = {}) => ({
  gpu_type: 'RTX 4090',
  gpu_count: 1,
  cpu_cores: 1,
  memory_gb: 1,
  storage_gb: 1,
  duration_hours: 1,
  ssh_public_keys: [sshKey],
  ...changes,
});

let broker: RunningBroker;
let customer: Session;
/** What this file has sent that nobody else may ever read: signatures and bearer tokens. */
const sent = new Set<string>();
const { fetch } = globalThis;
globalThis.fetch = async (input, init) => {
  for (const [name, value] of new Headers(init?.headers)) if (/signature|authorization/.test(name)) sent.add(value);
  const signature = typeof init?.body === 'string' && /"signature":"(\w+)"/.exec(init.body)?.[1];
  if (signature) sent.add(signature);
  return await fetch(input, init);
};

beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'trace' });
  const joined = [
    broker.provider({
      providerId: 'atlas',
      gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 },
      gpuPricePerHour: 0.4,
    }),
    broker.provider({
      providerId: 'borealis',
      gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 },
      gpuPricePerHour: 0.5,
    }),
    broker.provider({
      providerId: 'cirrus',
      gpus: { model: 'NVIDIA A100-SXM4-80GB', count: 8, memoryMb: 81_920 },
      gpuPricePerHour: 1.8,
    }),
  ].map((provider) => provider.joined);
  await Promise.all(joined);
  customer = await broker.customer();
  await until(async () => (await free('rtx-4090')) === 8 && (await free('a100-sxm4-80gb')) === 8);
}, 900_000);
afterAll(() => broker.stop(), 60_000);

async function free(gpuType: string): Promise<number> {
  const { body } = await customer.request('GET', `/api/v1/providers/gpu-availability?gpu_type=${gpuType}`);
  return (body as { total_available: number }).total_available;
}
const post = (session: Session, body: object, headers: Record<string, string> = {}): Promise<Reply> =>
  session.request('POST', '/api/v1/jobs', body, { prefer: 'wait=60', ...headers });
const cancel = (session: Session, id: string) =>
  session.request('DELETE', `/api/v1/jobs/${id}`, undefined, { prefer: 'wait=60' });

interface JobBody {
  job_id: string;
  status: string;
  expires_at: string;
  ssh_command: string;
  ssh_port: number;
  ssh_host: string;
}
const job = (reply: Reply) => reply.body as JobBody;
const problem = (reply: Reply) => reply.body as { code: string; errors?: { field: string }[]; free?: object[] };

describe('a customer', () => {
  test('a customer rents at the cheapest provider, extends, cancels, and the GPUs are free again', async () => {
    const rented = await post(customer, order({ gpu_count: 2 }));
    expect(rented.status).toBe(201);
    expect(rented.body).toMatchObject({ status: 'running', provider_id: 'atlas', gpu_count: 2, price_per_hour: 0.8 });
    expect(job(rented).ssh_command).toBe(`ssh root@${job(rented).ssh_host} -p ${job(rented).ssh_port}`);
    await until(async () => (await free('rtx-4090')) === 6);

    const extended = await customer.request('POST', `/api/v1/jobs/${job(rented).job_id}/extend`, {
      additional_hours: 2,
    });
    expect(extended.status).toBe(200);
    expect(Date.parse(job(extended).expires_at) - Date.parse(job(rented).expires_at)).toBe(7_200_000);

    const ended = await cancel(customer, job(rented).job_id);
    expect([ended.status, job(ended).status]).toEqual([200, 'cancelled']);
    expect((await customer.request('GET', `/api/v1/jobs/${job(rented).job_id}`)).body).toMatchObject({
      status: 'cancelled',
    });
    await until(async () => (await free('rtx-4090')) === 8);
  });

  test('a customer who repeats an order with its Idempotency-Key, even concurrently, has one job', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const replies = await Promise.all(Array.from({ length: 5 }, () => post(customer, order(), key)));
    expect(new Set(replies.map((reply) => job(reply).job_id)).size).toBe(1);
    expect(replies.every(({ status }) => status === 200 || status === 201)).toBe(true);
    expect(problem(await post(customer, order({ gpu_count: 2 }), key)).code).toBe('idempotency_conflict');
    await cancel(customer, job(replies[0]!).job_id);
  });

  test('a customer who does not want to wait gets 202 and the address of the job', async () => {
    const accepted = await post(customer, order(), { prefer: 'respond-async' });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('location')).toBe(`/api/v1/jobs/${job(accepted).job_id}`);
    await until(async () => job(await customer.request('GET', accepted.headers.get('location')!)).status === 'running');
    await cancel(customer, job(accepted).job_id);
  });

  test('a customer whose order finds no capacity is told what is free', async () => {
    await until(async () => (await free('rtx-4090')) === 8);
    const reply = await post(customer, order({ gpu_count: 5 }));
    expect([reply.status, problem(reply).code]).toEqual([409, 'no_capacity']);
    expect(problem(reply).free).toEqual([
      { gpu_type: 'rtx-4090', vram_gb: 24, available_gpus: 8, most_at_one_provider: 4, price_per_hour: 0.4 },
    ]);
  });

  test('a customer cannot see, end or extend the job of another', async () => {
    const mine = job(await post(customer, order()));
    const stranger = await broker.customer();
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['DELETE', '', undefined],
      ['POST', '/extend', { additional_hours: 1 }],
    ] as const) {
      const reply = await stranger.request(method, `/api/v1/jobs/${mine.job_id}${path}`, body);
      expect([reply.status, problem(reply).code]).toEqual([404, 'job_not_found']);
    }
    expect((await stranger.request('GET', '/api/v1/jobs')).body).toEqual({ jobs: [], count: 0 });
    await cancel(customer, mine.job_id);
  });

  test('a customer whose order is invalid is told every wrong field, and nothing is rented', async () => {
    const reply = await post(customer, order({ gpu_count: -1, image: 'NOT AN IMAGE', surprise: 1, ssh_password: 'x' }));
    expect([reply.status, problem(reply).code]).toEqual([422, 'validation_failed']);
    expect(
      problem(reply)
        .errors!.map(({ field }) => field)
        .sort(),
    ).toEqual(['gpu_count', 'image', 'ssh_password', 'surprise']);
    const huge = await post(customer, order({ env: { A: 'x'.repeat(70_000) } }));
    expect([huge.status, problem(huge).code]).toEqual([413, 'payload_too_large']);
    await until(async () => (await free('rtx-4090')) === 8, { name: 'nothing is rented' });
  });
});

test('of 50 concurrent orders for 8 free GPUs exactly 8 run', async () => {
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => post(customer, order({ gpu_type: 'A100-SXM4-80GB' }))),
  );
  const running = replies.filter(({ status }) => status === 201);
  expect(running).toHaveLength(8);
  expect(replies.filter((reply) => reply.status === 409 && problem(reply).code === 'no_capacity')).toHaveLength(42);
  expect(new Set(running.map((reply) => job(reply).ssh_port)).size).toBe(8);
  await Promise.all(running.map((reply) => cancel(customer, job(reply).job_id)));
  await until(async () => (await free('a100-sxm4-80gb')) === 8);
}, 120_000);

test('a malformed registration goes to the dead-letter stream with its reason, and the next one is answered', async () => {
  const redis = new Redis(broker.endpoints.operator_redis!);
  await redis.xadd('provider:registration', '*', 'data', '{"provider_id": 7}', 'timestamp', '');
  await redis.xadd('provider:registration', '*', 'nonsense', '');
  // Without GPUs, which other tests count.
  const gpus = { model: 'none', count: 0 };
  await broker.provider({ providerId: 'delphi', gpus, heartbeatIntervalMs: 0 }).joined;
  const letters = await until(async () => {
    const found = await redis.xrange('provider:registration:dlq', '-', '+');
    return found.length >= 2 ? found : undefined;
  });
  expect(letters.every(([, fields]) => fields.includes('reason'))).toBe(true);
  redis.disconnect();
});

test('the route /ready names every dependency', async () => {
  const { status, body } = await customer.request('GET', '/ready');
  expect(status).toBe(200);
  expect(Object.keys((body as { dependencies: object }).dependencies)).toEqual(
    expect.arrayContaining(['postgres', 'redis', 'temporal']),
  );
});

test('no secret of a rental is in any log or history', async () => {
  // Something of everything that is logged, whatever happened here before.
  const orders = await Promise.all(Array.from({ length: 20 }, () => post(customer, order())));
  await Promise.all(orders.filter(({ status }) => status === 201).map((reply) => cancel(customer, job(reply).job_id)));
  const variable = `sk_${randomUUID()}`;
  const token = await customer.token();
  const rented = await fetch(`${broker.endpoints.api}/api/v1/jobs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=60' },
    body: JSON.stringify(order({ env: { API_KEY: variable } })),
  });
  expect(rented.status).toBe(201);
  await cancel(customer, ((await rented.json()) as JobBody).job_id);
  const { joinToken, signature } = await registerByHand('erebus');
  const requests = Object.fromEntries([...sent].map((value, index) => [`signature ${index}`, value]));
  expect(sent.size).toBeGreaterThan(20);

  const connection = await Connection.connect({ address: broker.endpoints.temporal! });
  const client = new Client({ connection, namespace: broker.endpoints.temporal_namespace! });
  const upkeep = new Client({ connection, namespace: `${broker.endpoints.temporal_namespace!}-upkeep` });
  // A workflow is told of a registration after it was answered.
  await until(
    () =>
      client.workflow
        .getHandle('provider:erebus')
        .describe()
        .catch(() => undefined),
    {
      name: 'the workflow of the machine has begun',
    },
  );
  const histories = { ...(await exportHistories(client)), ...(await exportHistories(upkeep)) };
  await connection.close();
  expect(Object.keys(histories).filter((id) => /^(job|provider):/.test(id)).length).toBeGreaterThan(8);
  const texts = { logs: broker.logs(), ...histories };
  // They are there to be found: what is public of the same things is.
  expect(findSecrets(texts, { id: 'provider:erebus' }).map(({ text }) => text.split('/')[0])).toContain(
    'provider:erebus',
  );
  const secrets = { variable, token, joinToken, signature, ...requests };
  expect(findSecrets(texts, secrets)).toEqual([]);
}, 120_000);

test('the workflow of a job that was cancelled hears nothing of the pod that it removes, and keeps no call stacks', async () => {
  const { job_id: jobId } = job(await post(customer, order()));
  const connection = await Connection.connect({ address: broker.endpoints.temporal! });
  const client = new Client({ connection, namespace: broker.endpoints.temporal_namespace! });
  try {
    const workflow = client.workflow.getHandle(`job:${jobId}`);
    expect(await workflow.query('__stack_trace')).toBe('');
    await cancel(customer, jobId);
    const { events } = await workflow.fetchHistory();
    const signals = events!.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? []);
    expect(signals).toContain('podObserved');
    expect(signals.slice(signals.indexOf('cancelRequested'))).toEqual(['cancelRequested']);
  } finally {
    await connection.close();
  }
}, 60_000);

test('a workflow hears that its pod is gone although the row says that the job ends, which it may have forgotten in a crash', async () => {
  const rented = job(await post(customer, order()));
  const database = new pg.Client({ connectionString: broker.endpoints.postgres! });
  await database.connect();
  try {
    const { rows } = await database.query<{ namespace: string }>(
      `update jobs set status = 'ending' where job_id = $1 returning namespace`,
      [rented.job_id],
    );
    const { core } = connectKubernetes({ KUBECONFIG: broker.endpoints.kubeconfig! });
    await core.deleteNamespacedPod({ name: jobObjectName(rented.job_id), namespace: rows[0]!.namespace });
    const shown = async () => job(await customer.request('GET', `/api/v1/jobs/${rented.job_id}`));
    const isOver = async () => !['running', 'ending'].includes((await shown()).status);
    await until(isOver, { name: 'the job is over', timeoutMs: 40_000 });
    expect(await shown()).toMatchObject({ status: 'failed', failure_reason: 'pod_deleted' });
  } finally {
    await database.end();
  }
}, 60_000);

/** Registers as an agent does that signs, and answers the secret half of its join token and the signature. */
async function registerByHand(providerId: string): Promise<{ joinToken: string; signature: string }> {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const nodeKey = privateKeyToAccount(generatePrivateKey());
  const sign = providerSigner({ wallet, nodeKey, chainId: 1, audience: broker.endpoints.api });
  const machine = simulatedMachine({ providerId, wallet: wallet.address });
  const fields = await sign(streams.registration, JSON.stringify(registrationMessage(machine)));
  const redis = new Redis(broker.endpoints.redis);
  try {
    await redis.xgroup('CREATE', responseStream(providerId), 'agent', '$', 'MKSTREAM');
    await redis.xadd(streams.registration, '*', ...Object.entries(fields).flat());
    const stream = [responseStream(providerId), '>'] as const;
    const read = await redis.xreadgroup('GROUP', 'agent', 'one', 'BLOCK', 60_000, 'STREAMS', ...stream);
    const [, entries] = (read as [string, [string, string[]][]][])[0]!;
    const [, reply] = entries[0]!;
    const { join_token: joinToken } = JSON.parse(reply[reply.indexOf('data') + 1]!) as { join_token: string };
    return {
      joinToken: joinToken.split('.')[1]!,
      signature: Object.values(fields).find((value) => /^0x\w{130}$/.test(value))!,
    };
  } finally {
    redis.disconnect();
  }
}
