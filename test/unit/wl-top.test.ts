import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import type { Job } from '../../src/client/shapes.js';
import { createScreen } from '../../src/cli/terminal/screen.js';
import { widthOf } from '../../src/cli/terminal/width.js';
import { liveProgramText, showUse } from '../../src/cli/use-table.js';
import type { JobUse } from '../../src/domain/job-use.js';

const at = new Date('2026-11-27T12:00:00Z');
const job = { job_id: '01890a5d-ac96-774b-bcce-b302099a8057', job_name: 'train', status: 'running' } as Job;
const before = (seconds: number) => new Date(at.getTime() - seconds * 1000);

function shown(use: JobUse, columns?: number): string[] {
  const lines: string[] = [];
  const stream = (isTTY: boolean) =>
    Object.assign(
      new Writable({
        write: (piece: Buffer, _, done) => {
          lines.push(...piece.toString().replace(/\n$/, '').split('\n'));
          done();
        },
      }),
      { isTTY, columns },
    ) as unknown as NodeJS.WriteStream;
  const screen = createScreen({
    stdout: stream(columns !== undefined),
    stderr: stream(false),
    stdin: process.stdin,
    env: {},
    isColourForbidden: true,
    isQuiet: false,
  });
  showUse(screen, job, use);
  return lines;
}

const busy: JobUse = {
  ...{ at, stepS: 30, limits: { cpuCores: 16, memoryBytes: 64 * 1024 ** 3 } },
  program: { state: 'running', exitCode: 1, restarts: 3, since: before(720) },
  gpus: Array.from({ length: 8 }, (_, index) => ({
    ...{ index, memoryBytes: 80 * 1024 ** 3 },
    name: `NVIDIA H100 80GB HBM3 with a name that is much longer than names of GPUs are ${index}`,
  })),
  gpusLost: { had: 9, has: 8, since: before(60) },
  samples: [
    {
      ...{ at, cpuCores: 12.345, memoryBytes: 40 * 1024 ** 3 },
      gpus: [{ index: 0, busyPercent: 97.4, memoryBytes: 79 * 1024 ** 3, temperatureC: 61, powerW: 640.2 }],
    },
  ],
};

test('what a job uses fits a terminal of 80 columns, and one of 60', () => {
  for (const columns of [60, 80]) {
    const lines = shown(busy, columns);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
    expect(lines.join('\n')).toMatch(/97 %/);
  }
});

test('the table says how much is used of what there is, and shows a dash for what is not known', () => {
  const text = shown({ ...busy, gpus: busy.gpus.slice(0, 2) }).join('\n');
  expect(text).toContain('program    running for 12 min, restarted 3 times, exit code 1 before');
  expect(text).toContain('processor  12.35 of 16 cores');
  expect(text).toContain('memory     40.0 of 64 GB');
  expect(text).toContain('8 of 9 are there since 1 min');
  expect(text).toMatch(/79\.0 of 80 GB {2}61 °C {2}640 W/);
  expect(shown({ at, stepS: 30, limits: {}, gpus: [], samples: [] }).join('\n')).toContain('processor  – cores');
});

test('the states of a program are sentences', () => {
  expect(liveProgramText({ state: 'waiting', restarts: 0, since: at }, at)).toBe('waits for its machine');
  const crashed = { exitCode: 1, restarts: 1, since: before(2) };
  expect(liveProgramText({ state: 'restarting', ...crashed, startsAt: before(-4) }, at)).toBe(
    'ended with exit code 1, starts again in 4 s, restarted once',
  );
  expect(liveProgramText({ state: 'exited', ...crashed, restarts: 0 }, at)).toBe('ended with exit code 1, 2 s ago');
  expect(liveProgramText({ state: 'exited', restarts: 0, since: before(2) }, at)).toBe('ended, 2 s ago');
  expect(liveProgramText({ state: 'running', restarts: 0, since: before(5) }, at)).toBe('running for 5 s');
});
