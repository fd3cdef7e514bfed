import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventChannel } from '../../src/db/event-bell.js';
import type { JobOrder } from '../../src/domain/job.js';
import { eventStreams, eventStreamsClosed } from '../../src/observability/metrics.js';
import type { Session } from '../../src/client/session.js';
import type { Api } from '../support/api.js';
import { readEvents, type EventReader, type ReadEvent } from '../support/event-reader.js';
import { putProvider } from '../support/fleet.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { jobSteps, kindsOfLife, orderJob, wholeLife, type JobSteps } from '../support/told-jobs.js';
import { until } from '../support/until.js';

let replicas: Replicas;
let session: Session;
let token: string;
let steps: JobSteps;
const opened: EventReader[] = [];
const pool = () => replicas.database.pool;

beforeAll(async () => {
  replicas = await startReplicas({ streams: { checkEveryMs: 100, heartbeatEveryMs: 200 } });
  steps = jobSteps(pool());
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
});
afterAll(() => replicas.stop());
beforeEach(async () => {
  session = await replicas.api.login({ spendLimit: 10n ** 24n });
  token = await session.token();
});
afterEach(() => {
  opened.splice(0).forEach((reader) => reader.close());
});

const orderOwn = (changes: Partial<JobOrder> = {}) =>
  orderJob(pool(), session.sessionId, { wallet: session.wallet, gpuCount: 0, ...changes });
const live = async (order: JobOrder) => {
  for (const step of wholeLife) await steps[step](order);
};

async function follow(
  path: string,
  { api = replicas.api, after, bearer = token }: Following = {},
): Promise<EventReader> {
  const reader = await readEvents(`${api.url}/api/v1${path}`, {
    authorization: `Bearer ${bearer}`,
    ...(after === undefined ? {} : { 'last-event-id': String(after) }),
  });
  opened.push(reader);
  return reader;
}

interface Following {
  api?: Api;
  after?: number;
  bearer?: string;
}

const kinds = (events: readonly ReadEvent[]) => events.map(({ event }) => event);

describe('the stream of a job', () => {
  test('tells what was and what comes, and is over after the end, which has the job', async () => {
    const order = await orderOwn();
    const reader = await follow(`/jobs/${order.jobId}/events`);
    expect(reader.status).toBe(200);
    await live(order);
    await reader.closed;
    expect(kinds(reader.events)).toEqual(kindsOfLife);
    expect(reader.events.map(({ id }) => id)).toEqual(kindsOfLife.map((_, index) => index + 1));
    expect(reader.events.every(({ id, data }) => data.seq === id && data.job_id === order.jobId)).toBe(true);
    const { job } = reader.events.at(-1)!.data.data;
    expect(job).toMatchObject({ job_id: order.jobId, status: 'cancelled', ended_by: 'you', phase: 'ended' });
  });

  test('goes on after the last event that its client has read', async () => {
    const order = await orderOwn();
    await live(order);
    const reader = await follow(`/jobs/${order.jobId}/events`, { after: 3 });
    await reader.closed;
    expect(reader.events.map(({ id }) => id)).toEqual(kindsOfLife.map((_, index) => index + 1).slice(3));
    expect((await follow(`/jobs/${order.jobId}/events`, { after: kindsOfLife.length })).status).toBe(204);
  });

  test('has a past of any length, read piece by piece', async () => {
    const order = await orderOwn();
    const told = 1_200;
    await pool().query(
      `with counted as (update jobs set event_count = $3 where job_id = $1)
       insert into job_events (job_id, seq, wallet, kind, text) select $1, n, $2, 'provider_away', 'away'
         from generate_series(2, $3) n`,
      [order.jobId, session.wallet, told],
    );
    await live(order);
    const reader = await follow(`/jobs/${order.jobId}/events`);
    await reader.closed;
    const all = told + kindsOfLife.length - 1;
    expect(reader.events.map(({ id }) => id)).toEqual(Array.from({ length: all }, (_, at) => at + 1));
    expect(reader.events.at(-1)!.event).toBe('ended');
    const rest = await follow(`/jobs/${order.jobId}/events`, { after: 600 });
    await rest.closed;
    expect(rest.events.map(({ id }) => id)).toEqual(Array.from({ length: all - 600 }, (_, at) => at + 601));
  });

  test('is as the pages are that a client asks for instead', async () => {
    const order = await orderOwn();
    await live(order);
    const read: unknown[] = [];
    let pages = 0;
    for (let cursor = ''; ; pages++) {
      const { json } = await replicas.api.send('GET', `/api/v1/jobs/${order.jobId}/events?limit=3${cursor}`, {
        bearer: token,
      });
      read.push(...json.events);
      if (json.next_cursor === undefined) break;
      cursor = `&cursor=${json.next_cursor}`;
    }
    const streamed = await follow(`/jobs/${order.jobId}/events`);
    await streamed.closed;
    expect([pages, read]).toEqual([2, streamed.events.map(({ data }) => data)]);
    const { json } = await replicas.api.send('GET', `/api/v1/jobs/${order.jobId}/events?after=7`, { bearer: token });
    expect(json.events).toMatchObject([{ seq: 8, kind: 'ended' }]);
  });

  test('is refused of a job of somebody else, and with an id that is none', async () => {
    const order = await orderOwn();
    const stranger = await (await replicas.api.login()).token();
    expect((await follow(`/jobs/${order.jobId}/events`, { bearer: stranger })).status).toBe(404);
    const headers = { 'last-event-id': 'seven', accept: 'text/event-stream' };
    const reply = await replicas.api.send('GET', `/api/v1/jobs/${order.jobId}/events`, { bearer: token, headers });
    expect([reply.status, reply.json.errors]).toMatchObject([422, [{ field: 'headers.last-event-id' }]]);
  });
});

describe('the stream of a wallet', () => {
  test('begins with what happens from now on, and has no other wallet’s events', async () => {
    const before = await orderOwn();
    const reader = await follow('/events');
    const order = await orderOwn();
    const theirs = await replicas.api.login({ spendLimit: 10n ** 24n });
    await orderJob(pool(), theirs.sessionId, { wallet: theirs.wallet, gpuCount: 0 });
    await steps.place(order);
    await steps.place(before);
    await until(() => reader.events.length === 3);
    await sleep(100);
    expect(reader.events.map(({ data }) => [data.job_id, data.kind])).toEqual([
      [order.jobId, 'ordered'],
      [order.jobId, 'placed'],
      [before.jobId, 'placed'],
    ]);
    expect(reader.events.every(({ id, data }) => data.id === id)).toBe(true);
  });

  test('passes over nothing when a client has a higher id than there is', async () => {
    const reader = await follow('/events', { after: 10 ** 14 });
    await orderOwn();
    await until(() => reader.events.length === 1);
  });

  test('hears of events again after its connection to the database was cut', async () => {
    const reader = await follow('/events');
    await orderOwn();
    await until(() => reader.events.length === 1);
    for (let count = 2; count < 5; count++) {
      await pool().query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query like $1 and pid <> pg_backend_pid() and datname = current_database()`,
        [`listen ${eventChannel}%`],
      );
      await orderOwn();
      await until(() => reader.events.length === count);
    }
    expect(new Set(reader.events.map(({ id }) => id)).size).toBe(4);
  });

  test('hears of events by the bell alone, long before it looks by itself', async () => {
    const api = await replicas.start({ streams: { checkEveryMs: 600_000 } });
    const reader = await follow('/events', { api });
    const order = await orderOwn();
    for (const step of wholeLife) await steps[step](order);
    await until(() => kinds(reader.events).at(-1) === 'ended');
    await api.stop();
  });

  test('shows that it lives while nothing happens', async () => {
    const reader = await follow('/events');
    await until(() => reader.comments() >= 3);
    expect(reader.events).toEqual([]);
  });
});

test('every reader gets every event once while jobs run side by side and API processes are killed', async () => {
  const jobs = await Promise.all(Array.from({ length: 12 }, () => orderOwn()));
  const apis = new Set([replicas.other, await replicas.start({ streams: { checkEveryMs: 100 } })]);
  const first = jobs.map(({ jobId }) => jobId);
  let isOver = false;
  const killing = (async () => {
    while (!isOver) {
      await sleep(150);
      const [victim] = [...apis].filter((api) => api !== replicas.other);
      // Its sockets go at once, as those of a process that is killed.
      apis.delete(victim!);
      await victim!.kill();
      apis.add(await replicas.start({ streams: { checkEveryMs: 100 } }));
    }
  })();

  const all = first.length * (kindsOfLife.length - 1);
  const readWallet = async (): Promise<number[]> => {
    const read: number[] = [];
    for (let turn = 0; read.length < all; turn++) {
      const choice = [...apis];
      const options = { api: choice[turn % choice.length]!, ...(read.length === 0 ? {} : { after: read.at(-1)! }) };
      const path = read.length === 0 ? `/events?after=${begun}` : '/events';
      const reader = await follow(path, options).catch(() => undefined);
      if (reader?.status !== 200) continue;
      // Sometimes the client is cut off, too.
      await Promise.race([reader.closed, sleep(40 + 60 * (turn % 4))]);
      reader.close();
      read.push(...reader.events.map(({ id }) => id));
    }
    return read;
  };
  const readJob = async (jobId: string): Promise<number[]> => {
    const read: number[] = [];
    for (let turn = 0; read.at(-1) !== kindsOfLife.length; turn++) {
      const choice = [...apis];
      const options = { api: choice[turn % choice.length]!, ...(read.length === 0 ? {} : { after: read.at(-1)! }) };
      const reader = await follow(`/jobs/${jobId}/events`, options).catch(() => undefined);
      if (reader?.status !== 200) continue;
      await Promise.race([reader.closed, sleep(50)]);
      reader.close();
      read.push(...reader.events.map(({ id }) => id));
    }
    return read;
  };
  const { json } = await replicas.api.send('GET', '/api/v1/events?limit=100', { bearer: token });
  const begun = json.events.at(-1).id as number;
  const readers = Promise.all([readWallet(), readWallet(), ...first.slice(0, 2).map(readJob)]);
  await Promise.all(jobs.map(live));
  const [one, two, ...ofJobs] = await readers;
  isOver = true;
  await killing;

  const { rows } = await pool().query<{ id: string }>(
    'select id from job_events where wallet = $1 and id > $2 order by id',
    [session.wallet, begun],
  );
  const written = rows.map(({ id }) => Number(id));
  expect(written).toHaveLength(all);
  expect(one).toEqual(written);
  expect(two).toEqual(written);
  for (const read of ofJobs) expect(read).toEqual(kindsOfLife.map((_, index) => index + 1));
  await Promise.all([...apis].filter((api) => api !== replicas.other).map((api) => api.stop()));
}, 180_000);

describe('the bounds of streams', () => {
  test('let a wallet have five in a process, and give a place back when one is closed', async () => {
    const readers = [];
    for (let at = 0; at < 5; at++) readers.push(await follow('/events'));
    expect(readers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    // Those of the test before are gone a moment after their clients.
    await until(async () => (await eventStreams.get()).values[0]!.value === 5, { name: 'five are counted' });
    const headers = { accept: 'text/event-stream' };
    const refused = await replicas.api.send('GET', '/api/v1/events', { bearer: token, headers });
    expect([refused.status, refused.json.code]).toEqual([403, 'quota_exceeded']);
    readers[0]!.close();
    await until(async () => (await follow('/events')).status === 200);
  });

  test('let a process have so many, and answer that it has no more', async () => {
    const small = await replicas.start({ streams: { total: 1 } });
    const reader = await follow('/events', { api: small });
    const headers = { accept: 'text/event-stream' };
    const refused = await small.send('GET', '/api/v1/events', { bearer: token, headers });
    expect([refused.status, refused.json.code]).toEqual([503, 'dependency_unavailable']);
    await small.stop();
    await reader.closed;
  });

  test('let a network have a part of them, however many wallets it has', async () => {
    const small = await replicas.start({ streams: { perNetwork: 2 } });
    const bearers = await Promise.all([0, 1, 2].map(async () => await (await small.login()).token()));
    const readers = [];
    for (const bearer of bearers.slice(0, 2)) readers.push(await follow('/events', { api: small, bearer }));
    expect(readers.map(({ status }) => status)).toEqual([200, 200]);
    const headers = { accept: 'text/event-stream' };
    const refused = await small.send('GET', '/api/v1/events', { bearer: bearers[2]!, headers });
    expect([refused.status, refused.json.code]).toEqual([503, 'dependency_unavailable']);
    readers[0]!.close();
    await until(async () => (await follow('/events', { api: small, bearer: bearers[2]! })).status === 200);
    await small.stop();
  });

  test('end a stream when its token is revoked, its session, or its time is over', async () => {
    const other = await session.token();
    const [byToken, bySession] = [await follow('/events'), await follow('/events', { bearer: other })];
    const { rows } = await pool().query<{ id: string }>(
      'select id from auth_tokens where session_id = $1 order by created_at limit 1',
      [session.sessionId],
    );
    expect((await session.request('DELETE', `/api/v1/auth/tokens/${rows[0]!.id}`)).status).toBe(204);
    await byToken.closed;
    expect((await session.request('DELETE', `/api/v1/auth/sessions/${session.sessionId}`)).status).toBe(204);
    await bySession.closed;

    const brief = await replicas.start({ streams: { lifeMs: 200, checkEveryMs: 50 } });
    const bearer = await (await brief.login()).token();
    await (
      await follow('/events', { api: brief, bearer })
    ).closed;
    await brief.stop();
  });

  test('keep what a slow client has not taken in the database, until it takes it or is left', async () => {
    const reader = await follow('/events');
    reader.pause();
    const order = await orderOwn();
    const filler = 'x'.repeat(900);
    await pool().query(
      `with counted as (update jobs set event_count = 20001 where job_id = $1)
       insert into job_events (job_id, seq, wallet, kind, text) select $1, n + 1, $2, 'extended', $3
         from generate_series(1, 20000) n`,
      [order.jobId, session.wallet, filler],
    );
    await pool().query(`select pg_notify($1, '')`, [eventChannel]);
    await sleep(500);
    reader.resume();
    await until(() => reader.events.length === 20_001);
    expect(reader.events.map(({ data }) => data.seq)).toEqual(Array.from({ length: 20_001 }, (_, at) => at + 1));

    const strict = await replicas.start({ streams: { checkEveryMs: 50, takeWithinMs: 200 } });
    const stuck = await follow('/events?after=0', { api: strict });
    stuck.pause();
    await until(async () => (await closedBecause('slow')) === 1);
    stuck.resume();
    await stuck.closed;
    expect(stuck.events.length).toBeLessThan(20_001);
    await strict.stop();
  });

  test('do not hold up the stop of a process', async () => {
    const api = await replicas.start();
    const readers = await Promise.all([follow('/events', { api }), follow('/events', { api })]);
    await api.stop();
    await Promise.all(readers.map(({ closed }) => closed));
  });
});

async function closedBecause(reason: string): Promise<number> {
  const { values } = await eventStreamsClosed.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}
