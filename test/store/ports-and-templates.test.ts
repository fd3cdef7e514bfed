import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import type { Session } from '../../src/client/session.js';
import { orderOfJob } from '../../src/db/job-row.js';
import { findJob, jobInputs } from '../../src/db/jobs.js';
import { nodePortsTaken } from '../../src/db/node-ports.js';
import { withoutPrices } from '../../src/db/offers.js';
import { newWallet } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { receiptSite } from '../support/receipts.js';
import { startWlBroker, type WlBroker } from '../support/wl-broker.js';

const file = {
  templates: [
    {
      ...{ id: 'notebook', name: 'Notebook', description: 'A notebook.', image: 'docker.io/me/notebook:1' },
      ...{ command: ['notebook'], ports: [{ port: 8888, name: 'notebook' }], page: { port: 8888, path: '/lab' } },
      token: { variable: 'NOTEBOOK_TOKEN', used_as: 'query', query: 'token' },
    },
    {
      ...{ id: 'models', name: 'Models', description: 'Models.', image: 'docker.io/me/models:1', command: ['serve'] },
      ...{ ports: [{ port: 8000 }], token: { variable: 'KEY', used_as: 'bearer' } },
    },
    { id: 'elsewhere', name: 'Elsewhere', description: 'Not run here.', image: 'docker.io/other/image:1' },
  ],
};
const env = {
  ...{ JOB_FREE_PORTS: '2', JOB_PORT_PRICE_PER_HOUR: '0.01', MAX_PORTS_PER_WALLET: '12', CLUSTER_NODE_PORTS: '40' },
  ...{ JOB_TEMPLATES: JSON.stringify(file), IMAGE_ALLOWLIST: 'docker.io/me/*,docker.io/nvidia/*' },
  ...{ MAX_JOBS_PER_WALLET: '1000', MAX_GPUS_PER_WALLET: '1000' },
};
let broker: WlBroker;
let session: Session;
const account = newWallet();
const pool = () => broker.database.pool;

beforeAll(async () => {
  broker = await startWlBroker(env);
  session = await broker.api.login({ account, audience: broker.api.url, spendLimit: 10n ** 24n });
});
afterAll(() => broker.stop());
beforeEach(async () => {
  await pool().query('truncate jobs, allocations, auth_charges, providers cascade');
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
});

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const many = (count: number, from = 9_000) => Array.from({ length: count }, (_, at) => ({ port: from + at }));
type Reply = Record<string, unknown> & { job_id: string; code?: string; template_token?: string };
async function send(body: object, headers = {}, by = session): Promise<Reply & { http: number }> {
  const order = { gpu_count: 1, duration_hours: 4, ssh_public_keys: [sshKey], ...body };
  const reply = await by.request('POST', '/api/v1/jobs', order, headers);
  return { ...(reply.body as Reply), http: reply.status };
}
const read = async (jobId: string, by = session) =>
  (await by.request('GET', `/api/v1/jobs/${jobId}`)).body as Reply & Record<string, unknown>;
const quote = async (body: object) =>
  (await session.request('POST', '/api/v1/quotes', { gpu_count: 1, duration_hours: 4, ...body })).body as Reply;
/** Hundredths of a token. */
const unit = (hundredths: number) => (BigInt(hundredths) * 10n ** 16n).toString();

describe('what ports cost', () => {
  test('a quote says what the ports cost beyond those that are free, as a part of its rate', async () => {
    expect(await quote({})).not.toHaveProperty('ports');
    expect(await quote({ ports: many(2) })).toMatchObject({
      ports: { count: 2, free: 2, price_per_hour: 0, rate_per_hour: '0' },
      rate_per_hour: unit(50),
    });
    expect(await quote({ ports: many(5) })).toMatchObject({
      ports: { count: 5, free: 2, price_per_hour: 0.03, rate_per_hour: unit(3) },
      ...{ rate_per_hour: unit(53), total: unit(212), price_per_hour: 0.53 },
      offers: [{ rate_per_hour: unit(53), total: unit(212) }],
    });
  });

  test('a job with ports costs what its quote said, in its reply, in the ledger and in its bill', async () => {
    const quoted = await quote({ ports: many(5) });
    const job = await send({ ports: many(5), quote_id: quoted['quote_id'] });
    expect(job).toMatchObject({
      ...{ http: 201, price_per_hour: 0.53, ports_price_per_hour: 0.03 },
      cost: { reserved: quoted['total'], rate_per_hour: quoted['rate_per_hour'] },
    });
    // As if it had run for an hour.
    await pool().query(`update jobs set started_at = now() - interval '1 hour' where job_id = $1`, [job.job_id]);
    await session.request('DELETE', `/api/v1/jobs/${job.job_id}`);
    const { rows } = await pool().query<{ spent: string; billed: number }>(
      `select c.spent::text as spent, j.billed_ms::float8 as billed
         from jobs j join auth_charges c using (job_id) where job_id = $1`,
      [job.job_id],
    );
    const { spent, billed } = rows[0]!;
    expect(BigInt(spent)).toBe((BigInt(unit(53)) * BigInt(billed)) / 3_600_000n);
    const { body } = await session.request('GET', '/api/v1/billing?by=job');
    const ports = ((BigInt(unit(3)) * BigInt(billed)) / 3_600_000n).toString();
    expect(body).toMatchObject({ rows: [{ key: job.job_id, spent, ports }], total: { spent, ports } });
  });

  test('an order keeps the price of its ports when the site changes it', async () => {
    broker.startsAtOnce = false;
    const { job_id: jobId } = await send({ ports: many(4) });
    const order = orderOfJob((await findJob(pool(), account.address.toLowerCase(), jobId))!);
    expect(order).toMatchObject({ portsRate: unit(2) });
    broker.startsAtOnce = true;
    await broker.start(order);
    expect(await read(jobId)).toMatchObject({ ports_price_per_hour: 0.02, price_per_hour: 0.52 });
  });

  test('the maximum of a customer counts for machine and ports together', async () => {
    expect(await send({ ports: many(4), max_price_per_hour: 0.52 })).toMatchObject({ http: 201, price_per_hour: 0.52 });
    const over = await quote({ ports: many(4), max_price_per_hour: 0.51 });
    expect(over).toMatchObject({ can_start: false, why_not: [{ limit: 'max_price_per_hour', nearest: 0.52 }] });
  });

  test('an order with more ports than its quote is another order', async () => {
    const { quote_id: quoteId } = await quote({ ports: many(2) });
    expect(await send({ ports: many(3), quote_id: quoteId })).toMatchObject({
      ...{ http: 409, code: 'quote_mismatch', errors: [{ field: 'ports' }] },
    });
    expect(await send({ ports: many(2, 7_000), quote_id: quoteId })).toMatchObject({ http: 201 });
  });
});

describe('how many ports there are', () => {
  test('a wallet has so many ports at a time, and is told how many are left', async () => {
    const first = await send({ ports: many(10) });
    expect(first.http).toBe(201);
    expect(await send({ ports: many(3) })).toMatchObject({
      ...{ http: 403, code: 'quota_exceeded', detail: expect.stringMatching(/12 ports .*2 are left.*has 3/) },
    });
    expect(await send({ ports: many(2) })).toMatchObject({ http: 201 });
    expect(await send({})).toMatchObject({ http: 201 });
    await session.request('DELETE', `/api/v1/jobs/${first.job_id}`);
    expect(await send({ ports: many(10) })).toMatchObject({ http: 201 });
  });

  test('orders of a wallet at the same time do not exceed its ports together', async () => {
    const sent = await Promise.all(Array.from({ length: 8 }, () => send({ ports: many(3) })));
    expect(sent.map(({ http }) => http).sort()).toEqual([201, 201, 201, 201, 403, 403, 403, 403]);
  });

  test('the ports of all placed jobs are counted, with that of SSH, until the jobs have ended', async () => {
    expect(await nodePortsTaken(pool())).toBe(0);
    const job = await send({ ports: many(3) });
    await send({});
    expect(await nodePortsTaken(pool())).toBe(5);
    broker.startsAtOnce = false;
    await send({ ports: many(3) });
    broker.startsAtOnce = true;
    expect(await nodePortsTaken(pool())).toBe(5);
    await session.request('DELETE', `/api/v1/jobs/${job.job_id}`);
    expect(await nodePortsTaken(pool())).toBe(1);
  });

  test('an order for which the cluster has too few ports finds no capacity, and the quote says why', async () => {
    await send({ ports: many(3) });
    const records = createJobRecordActivities({
      pool: pool(),
      logger: pino({ level: 'silent' }),
      config: {
        ...{ ...withoutPrices, FEE_BPS: 0, ...receiptSite, PROVIDER_OUT_WALLETS: 3, PROVIDER_OUT_S: 600 },
        // A quarter of them is for SSH alone.
        CLUSTER_NODE_PORTS: 10,
      },
    });
    broker.startsAtOnce = false;
    const orders = [];
    for (const count of [3, 2]) {
      const { job_id: jobId } = await send({ ports: many(count) });
      orders.push(orderOfJob((await findJob(pool(), account.address.toLowerCase(), jobId))!));
    }
    broker.startsAtOnce = true;
    await expect(records.placeJob(orders[0]!)).rejects.toMatchObject({
      ...{
        code: 'no_capacity',
        detail: expect.stringMatching(/has 3 node ports left for jobs with ports, and the order takes 4/),
      },
    });
    expect(await records.placeJob(orders[1]!)).toMatchObject({ providerId: 'atlas' });

    await pool().query('update jobs set port_count = 20 where job_id = $1', [orders[1]!.jobId]);
    expect(await quote({ ports: many(5) })).toMatchObject({
      ...{ can_start: false, binding: false, price_per_hour: null, offers: [], why_not_each: true },
      why_not: [{ limit: 'ports', asked: 6, nearest: 5, text: expect.stringContaining('5 node ports left') }],
    });
    expect(await quote({ ports: many(4) })).toMatchObject({ can_start: true });
  });

  test('whoever has all ports that jobs may open keeps nobody from renting a machine without any', async () => {
    const { job_id: jobId } = await send({ ports: many(1) });
    await pool().query('update jobs set port_count = 29 where job_id = $1', [jobId]);
    expect(await quote({ ports: many(1) })).toMatchObject({
      ...{ can_start: false, why_not: [{ limit: 'ports', asked: 2, nearest: 0 }] },
    });
    for (const body of [{}, { ports: [] }]) expect(await quote(body)).toMatchObject({ can_start: true });
    expect(await send({})).toMatchObject({ http: 201 });
  });
});

describe('the endpoints of a job', () => {
  test('a running job has an endpoint for each port, with a URL where a browser opens it, and a job that has ended has none', async () => {
    const ports = [
      { port: 8080, name: 'web' },
      { port: 5432, name: 'db', protocol: 'tcp' },
    ];
    const job = await send({ ports });
    const host = '198.18.0.1';
    const endpoints = [
      { name: 'web', port: 8080, protocol: 'http', host, host_port: 31_000, url: 'http://198.18.0.1:31000/' },
      { name: 'db', port: 5432, protocol: 'tcp', host, host_port: 31_001 },
    ];
    expect(job).toMatchObject({ http: 201, endpoints });
    expect((await read(job.job_id))['endpoints']).toEqual(endpoints);
    expect(job).not.toHaveProperty('ports_price_per_hour');
    await session.request('DELETE', `/api/v1/jobs/${job.job_id}`);
    const ended = await read(job.job_id);
    expect(ended).not.toHaveProperty('endpoints');
    expect(ended['ports']).toHaveLength(2);
  });

  test('a job without ports has neither the field nor endpoints', async () => {
    const { job_id: jobId } = await send({});
    const job = await read(jobId);
    expect([job['ports'], job['endpoints'], job['template']]).toEqual([undefined, [], undefined]);
  });
});

describe('templates', () => {
  test('everybody reads the templates whose images the site runs, and caches keep them', async () => {
    const { status, json, headers } = await broker.api.send('GET', '/api/v1/templates');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toMatch(/^public, max-age=\d+/);
    expect((json as { templates: { id: string }[] }).templates.map(({ id }) => id)).toEqual(['notebook', 'models']);
    const { json: site } = await broker.api.send('GET', '/api/v1/site');
    expect(site).toMatchObject({ jobs: { templates: [{ id: 'notebook' }, { id: 'models' }], ports: { most: 10 } } });
  });

  test('an order by a template runs what it says, and the job says which it was', async () => {
    const job = await send({ template: 'notebook', ports: [{ port: 6006 }] });
    expect(job).toMatchObject({
      ...{ http: 201, image: 'docker.io/me/notebook:1', template: 'notebook' },
      program: { state: 'started' },
      ...{ template_page: { port: 8888, path: '/lab' }, template_token_used_as: 'query' },
    });
    expect(job['ports']).toMatchObject([{ port: 6006 }, { port: 8888 }]);
    expect((await jobInputs(pool(), job.job_id)).program).toMatchObject({ argv: ['notebook'] });
  });

  test('an unknown template, and one whose image the site does not run, are refused with what is meant', async () => {
    expect(await send({ template: 'notebok' })).toMatchObject({
      http: 422,
      errors: [
        { field: 'template', message: expect.stringMatching(/GET \/api\/v1\/templates.*did you mean notebook/) },
      ],
    });
    expect(await send({ template: 'elsewhere' })).toMatchObject({ http: 422, errors: [{ field: 'template' }] });
  });

  test('a repeat with the same key and template is the same job, and one with another template or port is told apart', async () => {
    const headers = { 'idempotency-key': 'again' };
    const first = await send({ template: 'notebook' }, headers);
    expect(await send({ template: 'notebook' }, headers)).toMatchObject({ http: 200, job_id: first.job_id });
    for (const other of [{ template: 'models' }, { template: 'notebook', ports: [{ port: 1 }] }, {}]) {
      expect(await send(other, headers)).toMatchObject({ http: 409, code: 'idempotency_conflict' });
    }
  });
});

describe('the token of a job', () => {
  test('the token is made for the job, given to its program, and shown to its owner while it has not ended', async () => {
    const job = await send({ template: 'notebook' });
    const { template_token: token } = job;
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    expect(await read(job.job_id)).toMatchObject({
      ...{ template_token: token, endpoints: [{ url: `http://198.18.0.1:31000/lab?token=${token}` }] },
    });
    expect((await jobInputs(pool(), job.job_id)).env).toEqual({ NOTEBOOK_TOKEN: token });
    const list = (await session.request('GET', '/api/v1/jobs')).body;
    expect(list).toMatchObject({ jobs: [{ job_id: job.job_id, template_token: token }] });

    await session.request('DELETE', `/api/v1/jobs/${job.job_id}`);
    expect(await read(job.job_id)).not.toHaveProperty('template_token');
    expect((await jobInputs(pool(), job.job_id)).env).toEqual({});
  });

  test('each job has another token', async () => {
    const [one, two] = [await send({ template: 'models' }), await send({ template: 'models' })];
    expect(one.template_token).not.toBe(two.template_token);
    expect(one['endpoints']).toMatchObject([{ url: 'http://198.18.0.1:31000/' }]);
  });

  test('a credential that may only read sees no token, neither alone nor in a URL', async () => {
    const job = await send({ template: 'notebook' });
    const bearer = await session.token({ scopes: ['jobs:read'] });
    const { status, text } = await broker.api.send('GET', `/api/v1/jobs/${job.job_id}`, { bearer });
    expect(status).toBe(200);
    expect(text).not.toContain(job.template_token!);
    expect(text).toContain('/lab"');
  });

  test('the token is kept nowhere in the database, and in no event or log', async () => {
    const { job_id: jobId, template_token: token } = await send({ template: 'notebook' });
    for (const table of ['jobs', 'job_events', 'installation', 'auth_charges']) {
      const { rows } = await pool().query<{ text: string }>(`select t::text as text from ${table} t`);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.some(({ text }) => text.includes(token!))).toBe(false);
    }
    const { body } = await session.request('GET', `/api/v1/jobs/${jobId}/events`);
    expect(JSON.stringify(body)).not.toContain(token);
    expect(broker.api.logged.join('')).not.toContain(token);
  });

  test('a customer’s own token is his: it is used as it is, and shown nowhere', async () => {
    const job = await send({ template: 'notebook', env: { NOTEBOOK_TOKEN: 'of my own' } });
    expect(job).not.toHaveProperty('template_token');
    expect(JSON.stringify(job)).not.toContain('of my own');
    expect((await jobInputs(pool(), job.job_id)).env).toEqual({ NOTEBOOK_TOKEN: 'of my own' });
  });

  test('a key that is added makes the tokens of later jobs, and those of earlier ones stay', async () => {
    const before = await send({ template: 'notebook' });
    await pool().query(
      `update installation set token_keys = token_keys || (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))`,
    );
    const restarted = await startWlBroker(env, { database: { ...broker.database, close: async () => {} } });
    const again = await restarted.api.login({ account, audience: restarted.api.url, spendLimit: 10n ** 24n });
    const after = await send({ template: 'notebook' }, {}, again);
    expect(await read(before.job_id, again)).toMatchObject({ template_token: before.template_token });
    // A process that has not read the new key yet reads it now.
    expect(await read(after.job_id)).toMatchObject({ template_token: after.template_token });
    const { rows } = await pool().query<{ token_key: number }>('select token_key from jobs order by created_at');
    expect(rows.map(({ token_key }) => token_key)).toEqual([1, 2]);
    await restarted.stop();
  });
});
