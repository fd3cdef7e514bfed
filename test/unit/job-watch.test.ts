import { expect, test } from '@jest/globals';
import type { JobUse, LiveProgram } from '../../src/domain/job-use.js';
import { changesOf, unwatched, type WatchedJob } from '../../src/domain/job-watch.js';

const at = new Date('2026-11-27T12:00:00Z');
const use = (change: Partial<JobUse> = {}): JobUse => ({ at, stepS: 30, limits: {}, gpus: [], samples: [], ...change });
const program = (change: Partial<LiveProgram> = {}): JobUse =>
  use({ program: { state: 'running', restarts: 0, since: at, ...change } });
const kinds = (known: WatchedJob, said: JobUse) => changesOf(known, said).told.map(({ kind }) => kind);

/** What is told of a machine that says one thing after the other. */
function story(...said: JobUse[]): string[] {
  let known = unwatched;
  return said.flatMap((one) => {
    const { now, told } = changesOf(known, one);
    known = now;
    return told.map(({ kind, text }) => `${kind}: ${text}`);
  });
}

test('a program that starts, crashes and ends is told step by step, and each step once', () => {
  expect(
    story(
      program({ state: 'waiting' }),
      program(),
      program(),
      program({ state: 'restarting', exitCode: 1 }),
      program({ exitCode: 1, restarts: 1 }),
      program({ exitCode: 1, restarts: 1 }),
      program({ state: 'exited', exitCode: 0, restarts: 1 }),
      program({ state: 'exited', exitCode: 0, restarts: 1 }),
    ),
  ).toEqual([
    'program_started: the program was started',
    'program_restarted: the program ended with exit code 1 and was started again, once so far',
    'program_exited: the program ended with exit code 0 and is not started again; the machine stays',
  ]);
});

test('a program that ended before anybody looked was started and has ended', () => {
  expect(kinds(unwatched, program({ state: 'exited', exitCode: 3 }))).toEqual(['program_started', 'program_exited']);
});

test('a program that crashes each second for a month has some twenty events', () => {
  const month = Array.from({ length: 43_200 }, (_, minute) => program({ exitCode: 1, restarts: minute * 60 }));
  expect(story(...month).length).toBeLessThan(25);
});

test('a machine that says something else each time is told so often and no more', () => {
  const lies = Array.from({ length: 10_000 }, (_, count) => [
    { ...program({ state: 'waiting', restarts: count }), gpusLost: { had: 2, has: 1, since: at } },
    program({ state: 'exited', exitCode: count % 256 }),
  ]).flat();
  expect(story(...lies)).toHaveLength(100);
});

test('a lost GPU is told, and that it is back', () => {
  const lost = use({ gpusLost: { had: 2, has: 1, since: at } });
  expect(story(use(), lost, lost, use(), use())).toEqual([
    'gpu_lost: the machine shows 1 of the 2 GPUs that the job had',
    'gpu_back: the job has all its GPUs again',
  ]);
});
