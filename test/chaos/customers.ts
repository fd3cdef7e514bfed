import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply, Session } from '../../src/auth/client.js';
import { createRandom, type Random } from '../support/random.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl chaos';
const finalStatuses = new Set(['completed', 'expired', 'cancelled', 'failed', 'provider_lost']);
/** How long a customer goes on asking while nothing answers. */
const patienceMs = 240_000;
/**
 * How long the job of a dead machine may take to end: the silence that counts, its grace and the removal of its pod by
 * force take over a minute, and each step of it is begun anew when the worker is killed that does it.
 */
const lossPatienceMs = 600_000;

/** What a customer wants of a job. */
type Plan = 'cancel early' | 'cancel' | 'extend, then cancel' | 'expire' | 'be on a machine that dies';

/** How a job went, as its customer saw it. */
export interface JobStory {
  key: string;
  plan: Plan;
  jobId?: string;
  /** Whether it was ever told to be running. */
  ran: boolean;
  status: string;
  failureReason?: string;
  providerId?: string;
  /** What went otherwise than it may; empty when all is well. */
  complaint: string;
}

interface JobBody {
  job_id: string;
  status: string;
  provider_id?: string;
  expires_at?: string;
  failure_reason?: string;
  code?: string;
}

/** Rents jobs one after the other until `next` gives no more; whatever breaks meanwhile, it asks again with the same key. */
export async function rentUntilDone(
  session: Session,
  random: Random,
  next: () => number | undefined,
  stories: JobStory[],
): Promise<void> {
  for (let number = next(); number !== undefined; number = next()) {
    const plan = random.pick<Plan>(['cancel early', 'cancel', 'extend, then cancel', 'expire']);
    const story: JobStory = { key: `chaos-${number}`, plan, ran: false, status: 'unknown', complaint: '' };
    stories.push(story);
    try {
      await live(session, random, story);
    } catch (error) {
      story.complaint = error instanceof Error ? error.message : String(error);
    }
  }
}

/** Rents for long on a machine that is about to die, and waits for what becomes of the job. */
export async function rentOnDoomed(
  session: Session,
  providerId: string,
  number: number,
  stories: JobStory[],
): Promise<void> {
  const story: JobStory = {
    key: `doomed-${number}`,
    plan: 'be on a machine that dies',
    ran: false,
    status: 'unknown',
    complaint: '',
  };
  stories.push(story);
  try {
    await live(session, createRandom(number), story, { provider_id: providerId, duration_hours: 1 });
  } catch (error) {
    story.complaint = error instanceof Error ? error.message : String(error);
  }
}

async function live(session: Session, random: Random, story: JobStory, changes: object = {}): Promise<void> {
  const seconds = random.whole(6, 15);
  const order = {
    gpu_count: random.whole(1, 2),
    cpu_cores: 1,
    memory_gb: 1,
    storage_gb: 1,
    duration_hours: seconds / 3600,
    ssh_public_keys: [sshKey],
    ...changes,
  };
  const created = await insist(session, 'POST', '/api/v1/jobs', order, {
    'idempotency-key': story.key,
    prefer: story.plan === 'cancel early' ? 'wait=0' : 'wait=30',
  });
  let job = created.body as JobBody;
  // A job that ended before it ran, for want of capacity or with its machine, is told as a conflict that names it.
  if (created.status >= 400 && (created.status !== 409 || job.job_id === undefined))
    throw new Error(`ordering answered ${created.status} ${job.code ?? ''}`);
  story.jobId = job.job_id;
  const path = `/api/v1/jobs/${job.job_id}`;
  const look = async () => (job = (await insist(session, 'GET', path)).body as JobBody);
  if (created.status === 409) await look();

  if (story.plan !== 'cancel early') {
    await until(async () => (await look()).status === 'running' || finalStatuses.has(job.status), 'to run');
    story.ran = job.expires_at !== undefined;
  }
  if (story.plan === 'extend, then cancel' && job.status === 'running') {
    const before = Date.parse(job.expires_at!);
    const extended = await insist(
      session,
      'POST',
      `${path}/extend`,
      { additional_hours: 1 },
      { 'idempotency-key': 'once' },
    );
    const moved = Date.parse((extended.body as JobBody).expires_at ?? '') - before;
    if (extended.status === 200 && moved !== 3_600_000)
      throw new Error(`an extension of an hour moved the end by ${moved} ms`);
    // It may have ended before the extension came through.
    if (extended.status !== 200 && extended.status !== 409) throw new Error(`extending answered ${extended.status}`);
  }
  const cancels = story.plan !== 'expire' && story.plan !== 'be on a machine that dies';
  if (cancels && !finalStatuses.has(job.status)) {
    await sleep(random.whole(0, 4_000));
    await insist(session, 'DELETE', path, undefined, { prefer: 'wait=20' });
  }
  const endPatienceMs = story.plan === 'be on a machine that dies' ? lossPatienceMs : patienceMs;
  await until(async () => finalStatuses.has((await look()).status), 'to end', endPatienceMs);
  story.status = job.status;
  if (job.failure_reason !== undefined) story.failureReason = job.failure_reason;
  if (job.provider_id !== undefined) story.providerId = job.provider_id;
}

/** Sends a request until something answers that is not an outage. */
async function insist(
  session: Session,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Reply> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(400)) {
    try {
      const reply = await session.request(method, path, body, headers);
      // A server error other than "not now" is one that a client caused or a crash of ours showed: never right.
      if (reply.status !== 503 && reply.status !== 429) return reply;
    } catch {
      // Nobody listens, or the connection broke: the process was killed.
    }
    if (Date.now() > deadline) throw new Error(`${method} ${path}: nothing answered for ${patienceMs / 1000} s`);
  }
}

async function until(what: () => Promise<boolean>, name: string, timeoutMs = patienceMs): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await what()); await sleep(500)) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for the job ${name}`);
  }
}
