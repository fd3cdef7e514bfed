import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../../src/auth/client.js';
import { createRandom, type Random } from '../support/random.js';
import { until } from '../support/until.js';
import { extendAfterTheEnd, extendInEveryWay, noExtensions, type Extending, type Extensions } from './extending.js';
import { insist, patienceMs, type JobBody } from './requests.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl chaos';
const finalStatuses = new Set(['completed', 'expired', 'cancelled', 'failed', 'provider_lost']);
/**
 * How long the job of a dead machine may take to end: the silence that counts, its grace and the removal of its pod by
 * force take over a minute, and each step of it is begun anew when the worker is killed that does it.
 */
const lossPatienceMs = 600_000;

/** A job that stays is not hit for as long as this in the longest run. */
const stayMs = 1_800_000;

/** What a customer wants of a job. */
const plans = [
  'cancel early',
  'extend, then cancel',
  'expire',
  'extend often, then cancel',
  'cancel',
  'extend, then expire',
  'stay until a kubelet lies',
] as const;
export type Plan = (typeof plans)[number] | 'be on a machine that dies';

/** How a job went, as its customer saw it: what he was told, and when he said what. */
export interface JobStory {
  key: string;
  plan: Plan;
  gpuCount: number;
  durationS: number;
  orderedMs: number;
  jobId?: string;
  /** Whether it was ever told to be running. */
  ran: boolean;
  status: string;
  failureReason?: string;
  providerId?: string;
  pricePerHour?: number;
  startedAtMs?: number;
  expiresAtMs?: number;
  /** When he was first told that it had started. */
  toldStartedMs?: number;
  /** When he first asked for its end. */
  cancelledMs?: number;
  /** When he was first told that it had ended. */
  toldEndedMs?: number;
  extensions: Extensions;
  /** What went otherwise than it may; empty when all is well. */
  complaint: string;
}

/** What a kubelet has said of a job's pod: that it is over, nothing that ends it, or nothing yet. */
export type Fate = 'over' | 'spared' | 'open';

/** Rents jobs one after the other until `next` gives no more; whatever breaks meanwhile, it asks again with the same key. */
export async function rentUntilDone(
  session: Session,
  random: Random,
  next: () => number | undefined,
  fateOf: (jobId: string) => Fate,
  stories: JobStory[],
): Promise<void> {
  for (let number = next(); number !== undefined; number = next()) {
    const plan = plans[number % plans.length]!;
    const durationS = plan === 'stay until a kubelet lies' ? 3_600 : random.whole(6, 15);
    const story = newStory(`chaos-${number}`, plan, random.whole(1, 2), durationS);
    stories.push(story);
    await live(session, random, story, fateOf).catch((error: unknown) => complain(session, story, error));
  }
}

/** Rents for long on a machine that is about to die, and waits for what becomes of the job. */
export async function rentOnDoomed(
  session: Session,
  providerId: string,
  number: number,
  stories: JobStory[],
): Promise<void> {
  const story = newStory(`doomed-${number}`, 'be on a machine that dies', 1, 3_600);
  stories.push(story);
  await live(session, createRandom(number), story, () => 'open', providerId).catch((error: unknown) =>
    complain(session, story, error),
  );
}

function newStory(key: string, plan: Plan, gpuCount: number, durationS: number): JobStory {
  return {
    ...{ key, plan, gpuCount, durationS, orderedMs: Date.now(), ran: false, status: 'unknown', complaint: '' },
    extensions: noExtensions(),
  };
}

/** Something went as it must not. The job is ended, so that it does not look as if that had been lost, too. */
async function complain(session: Session, story: JobStory, error: unknown): Promise<void> {
  story.complaint = error instanceof Error ? error.message : String(error);
  if (story.jobId === undefined) return;
  story.cancelledMs ??= Date.now();
  await insist(session, 'DELETE', `/api/v1/jobs/${story.jobId}`).catch(() => undefined);
}

async function live(
  session: Session,
  random: Random,
  story: JobStory,
  fateOf: (jobId: string) => Fate,
  providerId?: string,
): Promise<void> {
  const { plan } = story;
  const order = {
    gpu_count: story.gpuCount,
    cpu_cores: 1,
    memory_gb: 1,
    storage_gb: 1,
    duration_hours: story.durationS / 3600,
    ssh_public_keys: [sshKey],
    ...(providerId === undefined ? {} : { provider_id: providerId }),
  };
  const created = await insist(session, 'POST', '/api/v1/jobs', order, {
    'idempotency-key': story.key,
    prefer: plan === 'cancel early' ? 'wait=0' : 'wait=30',
  });
  // A job that ended before it ran, for want of capacity or with its pod or machine, is told as a conflict that names it.
  if (created.status >= 400 && (created.status !== 409 || created.body.job_id === undefined))
    throw new Error(`ordering answered ${created.status} ${created.body.code ?? ''}`);
  story.jobId = created.body.job_id;
  const path = `/api/v1/jobs/${story.jobId}`;
  let job: JobBody = created.body;
  const look = async () => {
    const reply = await insist(session, 'GET', path);
    if (reply.status !== 200) throw new Error(`looking answered ${reply.status} ${reply.body.code ?? ''}`);
    job = reply.body;
    note(story, job);
    return job;
  };
  const isOver = () => finalStatuses.has(job.status);
  const wait = (what: string, done: () => boolean, timeoutMs: number) =>
    until(async () => (await look(), done()), { everyMs: 500, timeoutMs, name: `the job ${what}` });
  if (created.status === 409) await look();
  else note(story, job);

  if (plan !== 'cancel early') {
    await wait('runs', () => job.status === 'running' || isOver(), patienceMs);
    story.ran = job.expires_at !== undefined;
  }
  const extending: Extending = {
    ...{ session, random, path, extensions: story.extensions },
    firstExpiryMs: (story.startedAtMs ?? 0) + story.durationS * 1_000,
  };
  if (job.status === 'running') {
    if (plan === 'extend, then cancel') await extendInEveryWay(extending, [1_800, 7_200], 1);
    if (plan === 'extend often, then cancel') await extendInEveryWay(extending, [60, 3_600], 12);
    if (plan === 'extend, then expire') await extendInEveryWay(extending, [1, 2], 2);
  }
  let cancels = plan.includes('cancel');
  if (plan === 'stay until a kubelet lies') {
    await wait('may end', () => isOver() || fateOf(story.jobId!) !== 'open', stayMs);
    cancels = fateOf(story.jobId) === 'spared';
  }
  if (cancels && !isOver()) {
    await sleep(random.whole(0, 4_000));
    story.cancelledMs = Date.now();
    const { status, body } = await insist(session, 'DELETE', path, undefined, { prefer: 'wait=20' });
    if (status !== 200 && status !== 202) throw new Error(`cancelling answered ${status} ${body.code ?? ''}`);
  }
  await wait('is over', isOver, plan === 'be on a machine that dies' ? lossPatienceMs : patienceMs);
  story.status = job.status;
  if (job.failure_reason !== undefined) story.failureReason = job.failure_reason;
  if (plan.startsWith('extend') && story.ran) await extendAfterTheEnd(extending);
}

/** Keeps what the customer was told; what does not change may not be told otherwise later. */
function note(story: JobStory, job: JobBody): void {
  if (job.provider_id !== undefined) story.providerId = job.provider_id;
  // While it starts, a job may still go on elsewhere at another price.
  if (job.price_per_hour !== undefined && job.started_at !== undefined) {
    if (story.pricePerHour !== undefined && story.pricePerHour !== job.price_per_hour)
      throw new Error(`the price went from ${story.pricePerHour} to ${job.price_per_hour}`);
    story.pricePerHour = job.price_per_hour;
  }
  if (job.started_at !== undefined) {
    const startedAtMs = Date.parse(job.started_at);
    if (story.startedAtMs !== undefined && story.startedAtMs !== startedAtMs) throw new Error('it started twice');
    story.startedAtMs = startedAtMs;
    story.toldStartedMs ??= Date.now();
  }
  if (job.expires_at !== undefined) {
    const expiresAtMs = Date.parse(job.expires_at);
    if (expiresAtMs < (story.expiresAtMs ?? 0)) throw new Error('its expiry moved back');
    story.expiresAtMs = expiresAtMs;
  }
  if (finalStatuses.has(job.status)) story.toldEndedMs ??= Date.now();
}
