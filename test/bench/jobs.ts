import { Client, Connection } from '@temporalio/client';
import { startStack } from '../../engines/stack.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import type { BenchStack } from './bench-stack.js';
import { measureJobsBefore } from './jobs-before.js';
import { rent, withJobsStack } from './jobs-stack.js';
import { cpuMsSince, shares, stackCpu, sumOf, type CpuByProcess } from './processes.js';
import { measureLedgerShare } from './ledger-share.js';
import { quantile, seconds, spread, type Measure, type Measurement } from './measurement.js';

const alone = 30;
const together = 300;
const inFlight = 32;

/**
 * The time from an order to SSH, alone and among many, the ledger’s share of a job, and the size of a job’s history in
 * Temporal; with `before`, a folder, also what an earlier version needs.
 */
export const measureJobs = async (log: (line: string) => void, before?: string): Promise<Measurement[]> => [
  ...(await measureHere(log)),
  ...(before === undefined ? [] : await measureJobsBefore(log, before)),
];

const measureHere: Measure = (log) =>
  withJobsStack(log, startStack, async ({ bench, session }) => {
    const ids: string[] = [];
    const aloneMs: number[] = [];
    for (let n = 0; n < alone + 3; n++) {
      const { ms, id } = await rent(session);
      // The first few fill all caches.
      if (n >= 3) aloneMs.push(ms);
      ids.push(id);
    }
    const togetherMs: number[] = [];
    const beforeStarts = stackCpu(bench.stack);
    const began = performance.now();
    await spread(together, inFlight, async () => {
      const { ms, id } = await rent(session);
      togetherMs.push(ms);
      ids.push(id);
    });
    const perSecond = together / ((performance.now() - began) / 1000);
    const startCpu = cpuMsSince(bench.stack, beforeStarts, together);
    await session.request('POST', `/api/v1/jobs/${ids[0]!}/extend`, { additional_hours: 1 });
    const endMs: number[] = [];
    const beforeEnds = stackCpu(bench.stack);
    const endsBegan = performance.now();
    await spread(ids.length, inFlight, async (index) => {
      const started = performance.now();
      await session.request('DELETE', `/api/v1/jobs/${ids[index]!}`, undefined, { prefer: 'wait=60' });
      endMs.push(performance.now() - started);
    });
    const endsPerSecond = ids.length / ((performance.now() - endsBegan) / 1000);
    const endCpu = cpuMsSince(bench.stack, beforeEnds, ids.length);
    const events = await historyEvents(bench, ids[0]!);

    const spans = (ms: readonly number[]) => `p50 ${seconds(quantile(ms, 0.5))}, p95 ${seconds(quantile(ms, 0.95))}`;
    return [
      {
        work: '`POST /jobs` to SSH info, alone',
        target: 'p50 ≤ 0.35 s',
        measured: spans(aloneMs),
        met: quantile(aloneMs, 0.5) <= 350,
      },
      {
        work: `\`POST /jobs\` to SSH info, ${inFlight} in flight`,
        target: '≥ 10 /s',
        measured: `${perSecond.toFixed(1)} /s; ${spans(togetherMs)}`,
        met: perSecond >= 10,
      },
      { work: 'processor for each of these starts', target: '', measured: described(startCpu) },
      {
        work: `\`DELETE /jobs/:id\` to released, ${inFlight} in flight`,
        target: '',
        measured: `${endsPerSecond.toFixed(1)} /s; ${spans(endMs)}`,
      },
      { work: 'processor for each of these ends', target: '', measured: described(endCpu) },
      {
        work: 'history events of a normal job, one extension included',
        target: '≤ 60',
        measured: String(events),
        met: events <= 60,
      },
      await measureLedgerShare({ bench, session }),
    ];
  });

const described = (cpuMs: CpuByProcess) => `${sumOf(cpuMs).toFixed(0)} ms: ${shares(cpuMs)}`;

async function historyEvents({ endpoints }: BenchStack, jobId: string): Promise<number> {
  const connection = await Connection.connect({ address: endpoints.temporal! });
  try {
    const client = new Client({ connection, namespace: endpoints.temporal_namespace! });
    const { events } = await client.workflow.getHandle(jobWorkflowId(jobId)).fetchHistory();
    return events!.length;
  } finally {
    await connection.close();
  }
}
