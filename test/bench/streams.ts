import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createEventBell } from '../../src/db/event-bell.js';
import { tellSql } from '../../src/db/job-events.js';
import { withBenchStack, type BenchStack } from './bench-stack.js';
import { quantile, spread, type Measure, type Measurement } from './measurement.js';
import { cpuSeconds, residentMb } from './processes.js';

const wallets = 200;
/** As many as a wallet may have. */
const streamsEach = 5;
const streams = wallets * streamsEach;
/** One may have a part of the streams only. */
const networks = 8;
const quietMs = 20_000;
const events = 1_000;
/** Far more than a site of five thousand jobs has. */
const eventsPerSecond = 50;

/** What a thousand clients that follow events cost one API process, while nothing happens and while much does. */
export const measureStreams: Measure = (log) =>
  withBenchStack(log, measure, {
    processes: ['api'],
    env: { MAX_CONNECTIONS_PER_IP: '2000', MAX_CONNECTIONS: '4000' },
  });

async function measure({ endpoints, stack, customer }: BenchStack): Promise<Measurement[]> {
  const pid = stack.endpoints().pids['api']!;
  const pool = new pg.Pool({ connectionString: endpoints.postgres!, max: 16 });
  const opened: IncomingMessage[] = [];
  try {
    const jobs: string[] = [];
    const tokens: string[] = [];
    await spread(wallets, 8, async () => {
      const session = await customer();
      tokens.push(await session.token());
      jobs.push(await putJob(pool, session));
    });
    const beforeMb = residentMb(pid);
    let delivered = 0;
    const delaysMs: number[] = [];
    const sentAt = new Map<string, number>();
    const onEvents = (text: string) => {
      for (const [, id] of text.matchAll(/"text":"([0-9a-f-]{36})"/g)) {
        delivered++;
        delaysMs.push(performance.now() - sentAt.get(id!)!);
      }
    };
    await spread(streams, 32, async (index) => {
      const from = `127.0.0.${2 + (index % networks)}`;
      opened.push(await follow(`${endpoints.api}/api/v1/events`, tokens[index % wallets]!, { from, onEvents }));
    });
    await sleep(2_000);
    const withThemMb = residentMb(pid);

    const quiet = await load(pid, () => sleep(quietMs));
    const bell = createEventBell(pool);
    const busy = await load(pid, async () => {
      const began = performance.now();
      const writing: Promise<void>[] = [];
      for (let n = 0; n < events; n++) {
        await sleep(Math.max(0, began + (n * 1_000) / eventsPerSecond - performance.now()));
        writing.push(tell(pool, jobs[n % wallets]!, sentAt).then((wallet) => bell.ring(wallet)));
      }
      await Promise.all(writing);
      while (delivered < events * streamsEach) await sleep(10);
    });
    const afterMb = residentMb(pid);
    const of = `${streams} event streams of ${wallets} wallets on one API process`;
    const percent = (share: number) => `${(share * 100).toFixed(1)} % of a core`;
    return [
      {
        work: `${of}: memory`,
        target: '≤ 100 MB more',
        measured: `${beforeMb} MB before, ${withThemMb} MB with them, ratio ${(withThemMb / beforeMb).toFixed(2)}; ${(((withThemMb - beforeMb) * 1024) / streams).toFixed(0)} kB each; ${afterMb} MB after the events`,
        met: withThemMb - beforeMb <= 100,
      },
      {
        work: `${of}: processor while nothing happens`,
        target: '≤ 5 % of a core',
        measured: percent(quiet),
        met: quiet <= 0.05,
      },
      {
        work: `${of}: ${eventsPerSecond} events /s, each to ${streamsEach} streams`,
        target: 'every one once; p95 ≤ 0.25 s',
        measured: `${delivered} of ${events * streamsEach} delivered; p50 ${quantile(delaysMs, 0.5).toFixed(0)} ms, p95 ${quantile(delaysMs, 0.95).toFixed(0)} ms; ${percent(busy)}, ratio to quiet ${(busy / quiet).toFixed(1)}`,
        met: delivered === events * streamsEach && quantile(delaysMs, 0.95) <= 250,
      },
    ];
  } finally {
    opened.forEach((response) => response.destroy());
    await pool.end();
  }
}

async function follow(
  url: string,
  token: string,
  { from, onEvents }: { from: string; onEvents: (text: string) => void },
): Promise<IncomingMessage> {
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
  return await new Promise((resolve, reject) => {
    get(url, { agent: false, headers, localAddress: from }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`a stream was answered ${response.statusCode}`));
      response.setEncoding('utf8');
      let rest = '';
      response.on('data', (chunk: string) => {
        const whole = (rest + chunk).split('\n\n');
        rest = whole.pop()!;
        onEvents(whole.join('\n\n'));
      });
      response.on('error', () => undefined);
      resolve(response);
    }).on('error', reject);
  });
}

/** The share of a core that a process uses meanwhile. */
async function load(pid: number, work: () => Promise<unknown>): Promise<number> {
  const [beganS, began] = [cpuSeconds([pid]), performance.now()];
  await work();
  return (cpuSeconds([pid]) - beganS) / ((performance.now() - began) / 1_000);
}

async function putJob(pool: pg.Pool, { wallet, sessionId }: { wallet: string; sessionId: string }): Promise<string> {
  const jobId = randomUUID();
  await pool.query(
    `insert into jobs (job_id, wallet, session_id, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s)
     values ($1, $2, $3, '', '', 0, 1, 1, 1, 60)`,
    [jobId, wallet, sessionId],
  );
  return jobId;
}

/** Writes an event as a change of a job does. */
async function tell(pool: pg.Pool, jobId: string, sentAt: Map<string, number>): Promise<string> {
  const id = randomUUID();
  sentAt.set(id, performance.now());
  const { rows } = await pool.query<{ wallet: string }>(
    `with changed as (
       update jobs set event_count = event_count + 1 where job_id = $1 returning job_id, wallet, event_count
     ), ${tellSql({ kind: `'extended'`, text: '$2::text', data: `'{}'::jsonb` })}
     select wallet from told`,
    [jobId, id],
  );
  return rows[0]!.wallet;
}
