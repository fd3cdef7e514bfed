import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createJobLogActivities } from '../../activities/job-logs.js';
import { connect } from '../../src/client/index.js';
import type { JobLogLine } from '../../src/client/shapes.js';
import type { Session } from '../../src/client/session.js';
import { logStreamLimits, streamLog } from '../../src/api/job-log-stream.js';
import type { SessionPrincipal } from '../../src/auth/customers/principal.js';
import { findJob } from '../../src/db/jobs.js';
import { forgetJobLogs, writeJobLog, findJobLog } from '../../src/db/job-logs.js';
import { claimNamespace } from '../../src/db/tenants.js';
import type { LogAnswer, LogQuery } from '../../src/domain/job-log.js';
import type { JobOrder } from '../../src/domain/job.js';
import type { Kubernetes } from '../../src/kubernetes/client.js';
import { carryOut } from '../support/activity.js';
import { readEvents } from '../support/event-reader.js';
import { putProvider } from '../support/fleet.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { jobSteps, orderJob, type JobSteps } from '../support/told-jobs.js';
import { until } from '../support/until.js';

/** A machine's log, which grows and breaks off as a test wants. */
class MachineLog {
  readonly lines: string[] = [];
  answer: Exclude<LogAnswer['kind'], 'log'> | undefined;
  isOver = false;
  readonly asked: LogQuery[] = [];
  #breaks = 0;

  write(text: string): void {
    const second = String(this.lines.length).padStart(2, '0');
    this.lines.push(`2026-11-27T10:00:${second}.5Z ${text}\n`);
  }

  breakOff(): void {
    this.#breaks++;
  }

  read = async (query: LogQuery, signal: AbortSignal): Promise<LogAnswer> => {
    this.asked.push(query);
    if (this.answer === 'withheld') return { kind: 'withheld', why: 'machine' };
    if (this.answer !== undefined) return { kind: this.answer };
    const from = this.lines.findIndex((line) => query.since === undefined || `${line.slice(0, 19)}Z` >= query.since);
    return { kind: 'log', pieces: this.#pieces(from < 0 ? this.lines.length : from, query, signal) };
  };

  async *#pieces(from: number, { follow, tail = 10_000 }: LogQuery, signal: AbortSignal) {
    const breaks = this.#breaks;
    for (let at = Math.max(from, this.lines.length - tail); ;) {
      for (; at < this.lines.length; at++) yield Buffer.from(this.lines[at]!);
      if (follow !== true || this.isOver) return;
      if (this.#breaks !== breaks) throw new Error('reset');
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

let replicas: Replicas;
let session: Session;
let token: string;
let steps: JobSteps;
let machine: MachineLog;
const pool = () => replicas.database.pool;

beforeAll(async () => {
  replicas = await startReplicas({
    logs: {
      readLog: (query, signal) => machine.read(query, signal),
      logLimits: { ...logStreamLimits, checkEveryMs: 50, pauseMs: 10, withheldPauseMs: 10 },
    },
  });
  steps = jobSteps(pool());
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
});
afterAll(() => replicas.stop());
beforeEach(async () => {
  machine = new MachineLog();
  session = await replicas.api.login({ spendLimit: 10n ** 24n });
  token = await session.token();
});

const client = (url = replicas.api.url) => connect({ api: url, audience: replicas.api.config.AUTH_AUDIENCE, token });

async function runningJob(): Promise<JobOrder> {
  const program = { restart: 'never', endsJob: true } as const;
  const order = await orderJob(pool(), session.sessionId, { wallet: session.wallet, gpuCount: 0, program });
  await steps.place(order);
  await claimNamespace(pool(), order.jobId, 'tenant-0000');
  await steps.run(order);
  return order;
}

const get = async ({ jobId }: JobOrder, query = '', headers: Record<string, string> = {}) =>
  await fetch(`${replicas.api.url}/api/v1/jobs/${jobId}/logs${query}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
const read = async (order: JobOrder, query = '') => (await (await get(order, query)).json()) as Record<string, unknown>;
const textsOf = (reply: Record<string, unknown>) => (reply['lines'] as JobLogLine[]).map(({ line }) => line);

describe('the log of a job', () => {
  test('is what its machine has: the last lines, or those since a time', async () => {
    const order = await runningJob();
    for (const text of ['one', 'two', '\u001b[31mthree']) machine.write(text);
    expect(await read(order)).toMatchObject({
      job_id: order.jobId,
      status: 'running',
      source: 'machine',
      truncated: false,
    });
    expect(textsOf(await read(order, '?tail=2'))).toEqual(['two', '\u001b[31mthree']);
    expect(textsOf(await read(order, '?since=2026-11-27T19:00:01.5%2B09:00'))).toEqual(['two', '\u001b[31mthree']);
    expect(machine.asked.every(({ tail }) => tail !== undefined && tail <= 5_000)).toBe(true);
  });

  test('is empty, and no error, while there is no machine or its machine hands none out', async () => {
    const order = await orderJob(pool(), session.sessionId, { wallet: session.wallet, gpuCount: 0 });
    expect(await read(order)).toMatchObject({ status: 'pending', source: 'none', lines: [] });
    const running = await runningJob();
    machine.answer = 'nothing_yet';
    expect(await read(running)).toMatchObject({ source: 'none', note: expect.stringContaining('nothing runs yet') });
    machine.answer = 'withheld';
    expect(await read(running)).toMatchObject({ source: 'none', note: expect.stringContaining('does not hand out') });
  });

  test('is kept after the end of the job, for a week', async () => {
    const order = await runningJob();
    machine.write('the last words');
    await writeJobLog(pool(), order.jobId, Buffer.from(machine.lines.join('')));
    await steps.end(order);
    machine.answer = 'gone';
    const kept = await read(order);
    expect([kept['source'], kept['status'], textsOf(kept)]).toEqual(['kept', 'cancelled', ['the last words']]);
    expect(await forgetJobLogs(pool(), new Date(Date.now() - 60_000))).toBe(0);
    expect(await forgetJobLogs(pool(), new Date(Date.now() + 60_000))).toBeGreaterThan(0);
    expect(await findJobLog(pool(), order.jobId)).toBeUndefined();
    expect(await read(order)).toMatchObject({ source: 'none', lines: [] });
  });

  test('is waited for at the end of the job for seconds only', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const server = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const config = { getCurrentCluster: () => ({ server }), applyToHTTPSOptions: () => Promise.resolve() };
    const kubernetes = { config } as unknown as Kubernetes;
    const order = await runningJob();
    const beganMs = Date.now();
    await expect(
      carryOut(createJobLogActivities({ pool: pool(), kubernetes }).saveJobLog, order),
    ).rejects.toMatchObject({ code: 'dependency_unavailable' });
    expect(Date.now() - beganMs).toBeLessThan(30_000);
    silent.close();
  });

  test('a query that cannot be meant is refused with its field', async () => {
    const order = await runningJob();
    for (const query of ['?tail=0', '?tail=5001', '?tail=x', '?since=yesterday', '?follow=maybe', '?lines=3']) {
      expect([query, (await get(order, query)).status]).toEqual([query, 422]);
    }
    for (const id of ['1', `${'9'.repeat(30)}`, '2026-11-27T10:00:00.5Z']) {
      expect((await get(order, '', { 'last-event-id': id })).status).toBe(422);
    }
  });
});

describe('a log that is followed', () => {
  const linesIn = ({ events }: { events: readonly { event: string; data: object }[] }) =>
    events.filter(({ event }) => event === 'line').map(({ data }) => (data as { line: string }).line);

  test('has what is written, over connections to the machine that break, until the job has ended', async () => {
    const order = await runningJob();
    machine.write('one');
    const found: string[] = [];
    const following = (async () => {
      for await (const { line } of client().jobs.logs(order.jobId)) found.push(line);
    })();
    await until(() => found.length === 1);
    machine.write('two');
    machine.breakOff();
    await until(() => found.length === 2);
    machine.write('three');
    await until(() => found.length === 3);
    machine.write('the last');
    await writeJobLog(pool(), order.jobId, Buffer.from(machine.lines.join('')));
    await steps.end(order);
    machine.isOver = true;
    await following;
    expect(found).toEqual(['one', 'two', 'three', 'the last']);
  });

  test('goes on at another process after the last line that its client has read, and is over once', async () => {
    const order = await runningJob();
    const bearer = { authorization: `Bearer ${token}` };
    for (const text of ['one', 'two']) machine.write(text);
    const first = await readEvents(`${replicas.api.url}/api/v1/jobs/${order.jobId}/logs`, bearer);
    await until(() => linesIn(first as never).length === 2);
    first.close();
    machine.write('three');
    const at = '2026-11-27T10:00:01.500000000Z_000000';
    const resumed = { ...bearer, 'last-event-id': at };
    const second = await readEvents(`${replicas.other.url}/api/v1/jobs/${order.jobId}/logs`, resumed);
    await until(() => linesIn(second as never).length === 1);
    expect(linesIn(second as never)).toEqual(['three']);
    await writeJobLog(pool(), order.jobId, Buffer.from(machine.lines.join('')));
    await steps.end(order);
    machine.isOver = true;
    await second.closed;
    expect(second.events.at(-1)).toMatchObject({ event: 'ended' });
    const over = { ...bearer, 'last-event-id': '2026-11-27T10:00:02.500000000Z_000000' };
    expect((await get(order, '?follow=true', over)).status).toBe(204);
  });

  test('takes one of the places for streams, and ends with the login', async () => {
    const order = await runningJob();
    const url = `${replicas.api.url}/api/v1/jobs/${order.jobId}/logs?follow=true`;
    const readers = [];
    for (let at = 0; at < 5; at++) readers.push(await readEvents(url, { authorization: `Bearer ${token}` }));
    expect((await get(order, '?follow=true')).status).toBe(403);
    await pool().query('update auth_sessions set revoked_at = now() where id = $1', [session.sessionId]);
    await Promise.all(readers.map(({ closed }) => closed));
  });
});

describe('what a stream of a log costs', () => {
  /** A client without a network, which takes each write a little later. */
  class SlowReader extends EventEmitter {
    readonly written: string[] = [];
    write = (text: string) => {
      this.written.push(text);
      setImmediate(() => this.emit('drain'));
      return false;
    };
    end = () => void this.emit('close');
    lines = () => this.written.filter((text) => text.includes('event: line'));
  }

  async function follow(pieces: () => Iterable<Buffer>, bytesPerS: number) {
    const order = await runningJob();
    const { wallet, sessionId } = session;
    const reader = new SlowReader();
    const stop = new AbortController();
    let isRead = false;
    async function* log() {
      for (const piece of isRead ? [] : pieces()) yield await Promise.resolve(piece);
      isRead = true;
    }
    const streaming = streamLog(
      {
        pool: pool(),
        logger: pino({ level: 'silent' }),
        readLog: () => Promise.resolve({ kind: 'log', pieces: log() }),
      },
      {
        response: reader as unknown as ServerResponse,
        principal: { wallet, sessionId, expiresAt: new Date(Date.now() + 60_000) } as SessionPrincipal,
        job: (await findJob(pool(), wallet, order.jobId))!,
        ...{ after: undefined, tail: 5_000, stopping: stop.signal },
      },
      { ...logStreamLimits, bytesPerS },
    );
    return { reader, isRead: () => isRead, stop: async () => (stop.abort(), await streaming) };
  }

  const line = (second: number) => `2026-11-27T10:${new Date(second * 1_000).toISOString().slice(14, 19)}Z x\n`;

  test('is one write for a piece, and not more short lines in a second than are allowed', async () => {
    function* endless() {
      for (let at = 0; ; at += 100)
        yield Buffer.from(Array.from({ length: 100 }, (_, next) => line(at + next)).join(''));
    }
    const beganMs = Date.now();
    const { reader, stop } = await follow(endless, 64 * 1024);
    await until(() => reader.lines().length === 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await stop();
    // As many as in a second for each that has begun since, on a busy machine.
    const seconds = 1 + Math.floor((Date.now() - beganMs) / 1_000);
    const sizes = reader.lines().map((text) => text.split('event: line').length - 1);
    expect(sizes).toEqual(sizes.map(() => 100));
    expect(sizes.length).toBeLessThanOrEqual(2 * seconds);
  });

  test('is no timer once a client has taken what it was given', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const { reader, isRead, stop } = await follow(
      () => Array.from({ length: 300 }, (_, at) => Buffer.from(line(at))),
      1e9,
    );
    await until(isRead);
    expect(reader.lines()).toHaveLength(300);
    expect(timers() - before).toBeLessThan(50);
    await stop();
  });
});
