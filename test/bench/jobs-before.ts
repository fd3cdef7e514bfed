import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startStack } from '../../engines/stack.js';
import { rent, withJobsStack, type JobsStack } from './jobs-stack.js';
import { quantile, type Measurement } from './measurement.js';
import { cpuMsSince, shares, stackCpu, sumOf, type CpuByProcess } from './processes.js';

const rounds = 60;
const warmUp = 5;

/**
 * What a job costs here and in an earlier version, in time and in processor time. Both stacks run at once, and take
 * turns job by job, so that whatever else the machine does meets both alike.
 *
 * @param checkout folder of the earlier version, built (`npm run build`).
 */
export async function measureJobsBefore(log: (line: string) => void, checkout: string): Promise<Measurement[]> {
  const earlier = await stackOf(checkout);
  return withJobsStack(log, startStack, (now) =>
    withJobsStack(log, earlier, async (before) => {
      const [nowRun, beforeRun] = await inTurns(now, before);
      const addedMs = median(nowRun.ms) - median(beforeRun.ms);
      const share = (sumOf(nowRun.cpuMs) / sumOf(beforeRun.cpuMs) - 1) * 100;
      return [
        {
          work: '`POST /jobs` to SSH info, alone: median above the earlier version’s',
          target: '≤ 10 ms',
          measured: `${signed(addedMs)} ms (${median(beforeRun.ms).toFixed(1)} and ${median(nowRun.ms).toFixed(1)} ms)`,
          met: addedMs <= 10,
        },
        {
          work: 'processor time of a job’s whole life, idle time of all processes included',
          target: '',
          measured: `${signed(share)} % (${sumOf(beforeRun.cpuMs).toFixed(0)} and ${sumOf(nowRun.cpuMs).toFixed(0)} ms)`,
        },
        { work: 'of it before', target: '', measured: shares(beforeRun.cpuMs) },
        { work: 'of it now', target: '', measured: shares(nowRun.cpuMs) },
      ];
    }),
  );
}

interface Run {
  ms: number[];
  /** Of all processes of the stack, for each job. */
  cpuMs: CpuByProcess;
}

async function inTurns(...stacks: [JobsStack, JobsStack]): Promise<[Run, Run]> {
  const runs: [Run, Run] = [
    { ms: [], cpuMs: new Map() },
    { ms: [], cpuMs: new Map() },
  ];
  for (let round = 0; round < warmUp + rounds; round++) {
    // Whoever goes first in a round goes second in the next.
    for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const { bench, session } = stacks[index];
      const before = stackCpu(bench.stack);
      const { ms, id } = await rent(session);
      await session.request('DELETE', `/api/v1/jobs/${id}`, undefined, { prefer: 'wait=60' });
      if (round < warmUp) continue;
      runs[index].ms.push(ms);
      runs[index].cpuMs = added(runs[index].cpuMs, cpuMsSince(bench.stack, before, rounds));
    }
  }
  return runs;
}

const added = (a: CpuByProcess, b: CpuByProcess): CpuByProcess =>
  new Map([...b].map(([name, ms]) => [name, ms + (a.get(name) ?? 0)]));
const median = (values: readonly number[]) => quantile(values, 0.5);
const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;

/** The starter of that version, which starts the programs of that version. */
export async function stackOf(checkout: string): Promise<typeof startStack> {
  const file = join(resolve(checkout), 'dist/engines/stack.js');
  if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm ci && npm run build\` in ${checkout}`);
  return ((await import(pathToFileURL(file).href)) as { startStack: typeof startStack }).startStack;
}
