import type { Job } from '../client/shapes.js';
import type { GpuUse, JobUse, LiveProgram, SeenGpu } from '../domain/job-use.js';
import { clean } from '../words/clean.js';
import { durationText } from '../words/durations.js';
import { jobLabel } from '../words/job-label.js';
import { exitCodeText } from '../words/program-text.js';
import { jobState } from '../words/states.js';
import type { Screen } from './terminal/screen.js';

/** What a job uses now, in lines of at most 80 columns. */
export function showUse(screen: Screen, job: Job, use: JobUse): void {
  const { glyph, word, style } = jobState(job.status);
  const now = use.samples.at(-1);
  screen.print(`${jobLabel(job)} ${screen.paint(style, `${glyph} ${word}`)}`);
  screen.print('');
  if (use.program !== undefined) screen.paragraph(`program    ${liveProgramText(use.program, use.at)}`, '           ');
  screen.print(`processor  ${ofLimit(now?.cpuCores, use.limits.cpuCores, ' cores', 2)}`);
  screen.print(`memory     ${ofLimit(gib(now?.memoryBytes), gib(use.limits.memoryBytes), ' GB', 1)}`);
  const { gpusLost: lost } = use;
  if (lost !== undefined) {
    const since = durationText((use.at.getTime() - lost.since.getTime()) / 1000);
    screen.print(screen.paint('red', `GPUs       ${lost.has} of ${lost.had} are there since ${since}`));
  }
  if (use.gpus.length === 0) return;
  screen.print('');
  const rows = use.gpus.map((gpu) => ({ gpu, used: now?.gpus.find(({ index }) => index === gpu.index) }));
  screen.table<{ gpu: SeenGpu; used: GpuUse | undefined }>(
    [
      { title: 'GPU', of: ({ gpu }) => String(gpu.index), align: 'right' },
      { title: 'NAME', of: ({ gpu }) => clean(gpu.name ?? '–'), isText: true },
      { title: 'BUSY', of: ({ used }) => figure(used?.busyPercent, ' %', 0), align: 'right' },
      {
        title: 'MEMORY',
        of: ({ gpu, used }) => ofLimit(gib(used?.memoryBytes), gib(gpu.memoryBytes), ' GB', 1),
        align: 'right',
      },
      { title: 'TEMP', of: ({ used }) => figure(used?.temperatureC, ' °C', 0), align: 'right', keep: 2 },
      { title: 'POWER', of: ({ used }) => figure(used?.powerW, ' W', 0), align: 'right', keep: 1 },
    ],
    rows,
  );
}

/** `running for 12 min, restarted 3 times, exit code 1 before` */
export function liveProgramText({ state, exitCode, restarts, since, startsAt }: LiveProgram, at: Date): string {
  const secondsTo = (time: Date) => Math.abs(at.getTime() - time.getTime()) / 1000;
  const again = restarts === 0 ? '' : `, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
  const code = exitCode === undefined ? '' : exitCodeText(exitCode);
  const ended = code === '' ? 'ended' : `ended with ${code}`;
  switch (state) {
    case 'waiting':
      return 'waits for its machine';
    case 'running':
      return `running for ${durationText(secondsTo(since))}${again}${code === '' ? '' : `, ${code} before`}`;
    case 'restarting': {
      const next = startsAt === undefined ? 'soon' : `in ${durationText(secondsTo(startsAt))}`;
      return `${ended}, starts again ${next}${again}`;
    }
    case 'exited':
      return `${ended}, ${durationText(secondsTo(since))} ago${again}`;
  }
}

function ofLimit(used: number | undefined, limit: number | undefined, unit: string, digits: number): string {
  const shown = used === undefined ? '–' : used.toFixed(digits);
  const most = limit === undefined ? '' : ` of ${Number(limit.toFixed(digits))}`;
  return `${shown}${most}${unit}`;
}

function figure(value: number | undefined, unit: string, digits: number): string {
  return value === undefined ? '–' : `${value.toFixed(digits)}${unit}`;
}

/** Everywhere here a GB has 1024 MB. */
function gib(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1024 ** 3;
}
