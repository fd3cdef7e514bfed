import { news, type JobNews } from './job-event.js';
import type { JobUse, LiveProgramState } from './job-use.js';

/** What a job's machine said last, as far as events tell it. */
export interface WatchedJob {
  /** Absent until it was said. */
  programState?: LiveProgramState;
  /** Of which an event has told. */
  restarts: number;
  gpusLost: boolean;
  /** Events so far. */
  events: number;
}

export const unwatched: WatchedJob = { restarts: 0, gpusLost: false, events: 0 };

/** The customer is root on the machine and can have it say anything: this is all that it can have the broker write down. */
const maxEvents = 100;

/**
 * What has changed on a job's machine since it was asked before. Restarts are told when there are twice as many as were told,
 * so that a program that crashes for days has some twenty events and not thousands.
 */
export function changesOf(known: WatchedJob, use: JobUse): { now: WatchedJob; told: JobNews[] } {
  const told = [...programNews(known, use), ...gpuNews(known, use)].slice(0, Math.max(0, maxEvents - known.events));
  const tellsRestarts = told.some(({ kind }) => kind === 'program_restarted');
  const { program, gpusLost } = use;
  return {
    told,
    now: {
      ...(program === undefined ? {} : { programState: program.state }),
      restarts: tellsRestarts ? (program?.restarts ?? 0) : known.restarts,
      gpusLost: gpusLost !== undefined,
      events: known.events + told.length,
    },
  };
}

function programNews({ programState, restarts: known }: WatchedJob, { program }: JobUse): JobNews[] {
  if (program === undefined) return [];
  const { state, exitCode, restarts } = program;
  const data = { exit_code: exitCode, restarts };
  const ended = exitCode === undefined ? 'the program ended' : `the program ended with exit code ${exitCode}`;
  const found: JobNews[] = [];
  if (programState === undefined || programState === 'waiting') {
    if (state !== 'waiting') found.push(news('program_started', 'the program was started'));
  }
  if (state === 'exited' && programState !== 'exited') {
    found.push(news('program_exited', `${ended} and is not started again; the machine stays`, data));
  } else if (restarts > 0 && restarts >= 2 * known) {
    const times = restarts === 1 ? 'once' : `${restarts} times`;
    found.push(news('program_restarted', `${ended} and was started again, ${times} so far`, data));
  }
  return found;
}

function gpuNews({ gpusLost: wereLost }: WatchedJob, { gpusLost }: JobUse): JobNews[] {
  if (gpusLost !== undefined && !wereLost) {
    const { had, has } = gpusLost;
    return [news('gpu_lost', `the machine shows ${has} of the ${had} GPUs that the job had`, { had, has })];
  }
  if (gpusLost === undefined && wereLost) return [news('gpu_back', 'the job has all its GPUs again')];
  return [];
}
