import type { Caller } from './caller.js';
import { pagesOf, type Pages } from './pages.js';
import { newIdempotencyKey } from './idempotency-key.js';
import { followJob, type FollowOptions } from './job-events.js';
import { followLog, readLog, type FollowLogOptions, type LogOptions } from './job-logs.js';
import { rentAndWait, waitUntil, type RentOptions, type WaitOptions } from './rent.js';
import type { Job, JobEvent, JobLog, JobLogLine, JobSshKey, JobUse, Order, RunningJob } from './shapes.js';
import { timeOf } from './time-of.js';

export interface Created {
  job: Job;
  /** `starting`: the wait was over first. `ended`: the key was used before, and its job is over. */
  state: 'running' | 'starting' | 'ended';
  /** False if the same key had created the job before. */
  created: boolean;
}

export interface CreateOptions {
  /** Seconds to wait until SSH answers. Default: as the broker has it. 0: not at all. */
  wait?: number;
  /** Made if it is not given: repeats after a lost connection never rent twice. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface JobQuery {
  /** Statuses, or `active` for all that are not over. */
  status?: string | readonly string[];
  name?: string;
  providerId?: string;
  /** Created at or after. */
  since?: Date | string;
  limit?: number;
}

export interface Jobs {
  create(order: Order, options?: CreateOptions): Promise<Created>;
  get(jobId: string, options?: { signal?: AbortSignal }): Promise<Job>;
  list(query?: JobQuery): Pages<Job>;
  /** Extends a job by hours, or until a time. The key is made if it is not given. */
  extend(
    jobId: string,
    by: { hours: number } | { until: Date | string },
    options?: { idempotencyKey?: string; signal?: AbortSignal },
  ): Promise<Job>;
  /** Lets another public key in to a job, within about two minutes; one that it has already changes nothing. */
  addSshKey(jobId: string, publicKey: string, options?: { signal?: AbortSignal }): Promise<JobSshKey>;
  /** Ends a job, and waits up to `wait` seconds until what it held is released. */
  end(jobId: string, options?: { wait?: number; signal?: AbortSignal }): Promise<Job>;
  /** Names a job anew; null takes its name away. */
  rename(jobId: string, name: string | null): Promise<Job>;
  waitUntil(jobId: string, state: 'running' | 'ended', options?: WaitOptions): Promise<Job>;
  /** What happens to a job, from its first event on, or after one; ends with the job. Survives lost connections. */
  events(jobId: string, options?: FollowOptions): AsyncIterable<JobEvent>;
  /** What a job has written: the last lines. */
  log(jobId: string, options?: LogOptions): Promise<JobLog>;
  /** The same line by line, as it is written, until the job has ended. Survives lost connections. */
  logs(jobId: string, options?: FollowLogOptions): AsyncIterable<JobLogLine>;
  /** What a job uses of its machine, and what its main program is doing. */
  use(jobId: string, options?: { last?: number; signal?: AbortSignal }): Promise<JobUse>;
  /**
   * Rents, and waits until SSH answers.
   *
   * @throws WorldLandError with the reason as its code if the job does not start; `timeout` and `aborted` with
   *   `data.job_id`: the job is kept unless `onAbort` says otherwise.
   */
  rentAndWait(order: Order, options?: RentOptions): Promise<RunningJob>;
}

/** Beyond what the broker was asked to wait, for the rest of the request. */
const besidesWaitMs = 30_000;

export function createJobs(caller: Caller): Jobs {
  const jobs: Jobs = {
    async create(order, { wait, idempotencyKey = newIdempotencyKey(), signal } = {}) {
      const reply = await caller.reply<Job>('POST /api/v1/jobs', {
        body: order,
        idempotencyKey,
        signal,
        ...waiting(wait),
      });
      const job = reply.body;
      const state = reply.status === 202 ? 'starting' : job.status === 'running' ? 'running' : 'ended';
      return { job, state, created: reply.status !== 200 };
    },
    get: (id, { signal } = {}) => caller.call('GET /api/v1/jobs/:id', { params: { id }, signal }),
    list: ({ status, name, providerId, since, limit } = {}) =>
      pagesOf(async (cursor) => {
        const query = {
          status: typeof status === 'string' ? status : status?.join(','),
          name,
          provider_id: providerId,
          since: timeOf(since),
          limit,
          cursor,
        };
        const page = await caller.call<{ jobs: Job[]; next_cursor?: string }>('GET /api/v1/jobs', { query });
        return { items: page.jobs, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }),
    async extend(id, by, { idempotencyKey = newIdempotencyKey(), signal } = {}) {
      const hours = 'hours' in by ? by.hours : hoursUntil(by.until, (await jobs.get(id)).expires_at);
      const body = { additional_hours: hours };
      return await caller.call('POST /api/v1/jobs/:id/extend', { params: { id }, body, idempotencyKey, signal });
    },
    addSshKey: (id, publicKey, { signal } = {}) =>
      caller.call('POST /api/v1/jobs/:id/ssh-keys', { params: { id }, body: { public_key: publicKey }, signal }),
    end: (id, { wait, signal } = {}) =>
      caller.call('DELETE /api/v1/jobs/:id', { params: { id }, signal, ...waiting(wait) }),
    rename: (id, name) => caller.call('PATCH /api/v1/jobs/:id', { params: { id }, body: { job_name: name } }),
    waitUntil: (id, state, options = {}) => waitUntil(jobs, id, state, options),
    events: (id, options = {}) => followJob(caller, jobs, id, options),
    log: (id, options = {}) => readLog(caller, id, options),
    use: (id, { last, signal } = {}) =>
      caller.call('GET /api/v1/jobs/:id/use', { params: { id }, query: { last }, signal }),
    logs: (id, options = {}) => followLog(caller, jobs, id, options),
    rentAndWait: (order, options = {}) => rentAndWait(jobs, order, options),
  };
  return jobs;
}

function waiting(wait: number | undefined) {
  if (wait === undefined) return { timeoutMs: 60_000 + besidesWaitMs };
  const prefer = wait === 0 ? 'respond-async' : `wait=${Math.ceil(wait)}`;
  return { headers: { prefer }, timeoutMs: wait * 1000 + besidesWaitMs };
}

function hoursUntil(until: Date | string, expiresAt: string | undefined): number {
  const from = expiresAt === undefined ? Date.now() : Date.parse(expiresAt);
  // To the second, and upwards, as the broker counts.
  return Math.ceil((new Date(until).getTime() - from) / 1000) / 3600;
}
