import { WorldLandError, isCode } from './errors.js';
import { endedBefore, isFinal, runningJob } from './job-states.js';
import { pause } from './pause.js';
import type { Job, JobEvent, Order, RunningJob } from './shapes.js';

export interface WaitOptions {
  /** Default: no limit. */
  timeoutMs?: number;
  signal?: AbortSignal;
  onEvent?: (event: JobEvent) => void;
}

export interface RentOptions extends WaitOptions {
  /** What becomes of the job when `signal` ends the wait. Default: it is kept. */
  onAbort?: 'keep' | 'cancel';
  idempotencyKey?: string;
}

/** The part of `jobs` that renting is made of. */
interface Renting extends Following {
  create(order: Order, options: { wait: number; idempotencyKey?: string; signal?: AbortSignal }): Promise<{ job: Job }>;
  end(jobId: string, options: { wait: number }): Promise<Job>;
}

interface Following {
  get(jobId: string, options: { signal: AbortSignal }): Promise<Job>;
  events(jobId: string, options: { signal: AbortSignal }): AsyncIterable<JobEvent>;
}

/** How long an interrupted program waits for its job to be cancelled. */
const cancelWaitS = 10;
const rereadMs = 1_000;

export async function rentAndWait(
  jobs: Renting,
  order: Order,
  { onAbort = 'keep', idempotencyKey, ...wait }: RentOptions,
): Promise<RunningJob> {
  const { signal } = wait;
  const options = {
    wait: 0,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(signal === undefined ? {} : { signal }),
  };
  const { job } = await jobs.create(order, options);
  try {
    return runningJob(await waitUntil(jobs, job.job_id, 'running', wait));
  } catch (error) {
    if (onAbort === 'cancel' && isCode(error, 'aborted')) await jobs.end(job.job_id, { wait: cancelWaitS });
    throw error;
  }
}

/**
 * Follows a job until it runs, or is over.
 *
 * @throws WorldLandError with the job's own reason if it is over before it runs; `timeout`; `aborted`.
 */
export async function waitUntil(
  jobs: Following,
  jobId: string,
  state: 'running' | 'ended',
  { timeoutMs, signal, onEvent }: WaitOptions,
): Promise<Job> {
  const clock = new AbortController();
  let late = false;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          clock.abort();
        }, timeoutMs);
  const abort = () => clock.abort();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  try {
    for await (const event of jobs.events(jobId, { signal: clock.signal })) {
      onEvent?.(event);
      if (event.kind !== 'ssh_ready' && event.kind !== 'ended') continue;
      if (state === 'ended' && event.kind !== 'ended') continue;
      const job = await settled(jobs, jobId, clock.signal);
      return state === 'ended' || job.status === 'running' ? job : refuse(job);
    }
    const job = await jobs.get(jobId, { signal: clock.signal });
    return state === 'ended' || job.status === 'running' ? job : refuse(job);
  } catch (error) {
    if (!(error instanceof WorldLandError) || !isCode(error, 'aborted')) throw error;
    const data = { job_id: jobId };
    if (!late) throw new WorldLandError('aborted', 'the wait was ended; the job goes on', { data, cause: error });
    const detail = `the job is not ${state} after ${timeoutMs! / 1000} s; it goes on`;
    throw new WorldLandError('timeout', detail, { data, cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** The job once its row says what its event has said: a replica of the database may be behind. */
async function settled(jobs: Pick<Following, 'get'>, jobId: string, signal: AbortSignal): Promise<Job> {
  for (;;) {
    const job = await jobs.get(jobId, { signal });
    if (job.status === 'running' || isFinal(job.status)) return job;
    await pause(rereadMs, signal);
  }
}

function refuse(job: Job): never {
  throw endedBefore(job);
}
