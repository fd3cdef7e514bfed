import type { Caller } from './caller.js';
import { followStream, NoStream, type FollowOptions } from './follow.js';
import { isFinal } from './job-states.js';
import { pause } from './pause.js';
import type { Job, JobEvent, WalletEvent } from './shapes.js';

export type { FollowOptions } from './follow.js';

const firstPollMs = 2_000;
const longestPollMs = 10_000;

interface Reads {
  get(jobId: string, options?: { signal?: AbortSignal }): Promise<Job>;
}

/** What happens to a job until it has ended: streamed where the broker can, else told from its states. */
export async function* followJob(
  caller: Caller,
  jobs: Reads,
  jobId: string,
  options: FollowOptions,
): AsyncGenerator<JobEvent> {
  let after = options.after;
  try {
    const stream = { route: 'GET /api/v1/jobs/:id/events', input: { params: { id: jobId } } };
    for await (const event of followStream<JobEvent>(caller, stream, options)) {
      after = event.seq;
      yield event;
      if (event.kind === 'ended') return;
    }
  } catch (error) {
    if (!(error instanceof NoStream)) throw error;
    yield* polled(jobs, jobId, { ...options, after: after ?? 0 });
  }
}

/** Events in the words of the stream, from what changes between two readings of the job. */
async function* polled(
  jobs: Reads,
  jobId: string,
  { after, signal }: FollowOptions & { after: number },
): AsyncGenerator<JobEvent> {
  let seq = after;
  const told = new Set<string>();
  for (let waitMs = firstPollMs; ; waitMs = Math.min(longestPollMs, waitMs * 1.25)) {
    const job = await jobs.get(jobId, signal === undefined ? {} : { signal });
    for (const step of stepsOf(job)) {
      if (told.has(step.kind)) continue;
      told.add(step.kind);
      yield { seq: ++seq, job_id: job.job_id, ...step };
    }
    if (isFinal(job.status)) return;
    await pause(waitMs, signal);
  }
}

/** What happens to all jobs of the wallet; where the broker has no such stream, told from their states. */
export async function* followAll(
  caller: Caller,
  jobs: Reads & { list(query: { status: string }): AsyncIterable<Job> },
  options: FollowOptions,
): AsyncGenerator<WalletEvent> {
  try {
    yield* followStream<WalletEvent>(caller, { route: 'GET /api/v1/events' }, options);
  } catch (error) {
    if (!(error instanceof NoStream)) throw error;
    yield* polledAll(jobs, options);
  }
}

async function* polledAll(
  jobs: Reads & { list(query: { status: string }): AsyncIterable<Job> },
  { after = 0, signal, onConnection }: FollowOptions,
): AsyncGenerator<WalletEvent> {
  let id = after;
  const told = new Map<string, Set<string>>();
  const reading = signal === undefined ? {} : { signal };
  for (let isFirst = true; ; isFirst = false) {
    const active = new Map<string, Job>();
    for await (const job of jobs.list({ status: 'active' })) active.set(job.job_id, job);
    onConnection?.(true);
    // One that is gone from the list has ended.
    for (const id of told.keys()) if (!active.has(id)) active.set(id, await jobs.get(id, reading));
    for (const job of active.values()) {
      const kinds = told.get(job.job_id) ?? new Set<string>();
      told.set(job.job_id, kinds);
      for (const [at, step] of stepsOf(job).entries()) {
        // What was so before is no news.
        if (!kinds.has(step.kind) && !isFirst) yield { id: ++id, seq: at + 1, job_id: job.job_id, ...step };
        kinds.add(step.kind);
      }
      if (isFinal(job.status)) told.delete(job.job_id);
    }
    await pause(longestPollMs, signal);
  }
}

type Step = Pick<JobEvent, 'kind' | 'at' | 'text' | 'data'>;

function stepsOf(job: Job): Step[] {
  const now = new Date().toISOString();
  const steps: Step[] = [{ kind: 'ordered', at: job.created_at, text: 'ordered', data: {} }];
  const { provider_id: provider, started_at: startedAt } = job;
  if (provider !== undefined)
    steps.push({ kind: 'placed', at: now, text: `on ${provider}`, data: { provider_id: provider } });
  if (startedAt !== undefined) steps.push({ kind: 'ssh_ready', at: startedAt, text: 'SSH answers', data: {} });
  if (job.status === 'ending') steps.push({ kind: 'ending', at: now, text: 'ending', data: {} });
  if (isFinal(job.status))
    steps.push({ kind: 'ended', at: job.ended_at ?? now, text: job.message ?? job.status, data: { job } });
  return steps;
}
