import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../support/random.js';
import { until } from '../support/until.js';
import {
  extendAfterTheEnd,
  extendInEveryWay,
  extendWhilePaid,
  noExtensions,
  type Extending,
  type Extensions,
} from './extending.js';
import { askForQuote, type Promised } from './quoting.js';
import { insist, patienceMs, type Customer, type JobBody } from './requests.js';
import { finalStatuses, keepTold, type Told } from './told.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl chaos';
/**
 * How long the job of a dead machine may take to end: the silence that counts, its grace and the forced deletion of its
 * pod take over a minute, and a step starts again if its worker is killed.
 */
const lossPatienceMs = 600_000;

/** In the longest run, this much time may pass before a job that stays gets its hostile status. */
const stayMs = 1_800_000;

/** What a customer does with a job. */
const plans = [
  'cancel early',
  'extend, then cancel',
  'expire',
  'extend often, then cancel',
  'cancel',
  'extend, then expire',
  'stay until a kubelet lies',
] as const;
/** Plans whose customers ask for a price first, and order at it. */
const quotedPlans: ReadonlySet<Plan> = new Set([
  'cancel early',
  'extend, then cancel',
  'expire',
  'extend, then expire',
]);
/** Plans whose job expires, or is cancelled at about that time. */
const shortPlans: ReadonlySet<Plan> = new Set(['cancel early', 'expire', 'cancel', 'extend, then expire']);
/** Of customers who have deposited little. */
export type PaidPlan = 'cancel early' | 'stay until cancelled' | 'extend while it is paid, then cancel';
export type Plan =
  (typeof plans)[number] | PaidPlan | 'be on a machine that dies' | 'be on a machine that falls silent';

export const isOfPaid = (plan: Plan) =>
  plan === 'stay until cancelled' || plan === 'extend while it is paid, then cancel' || plan === 'cancel early';

/** A job from its customer's side: what he was told, and when he sent what. */
export interface JobStory {
  key: string;
  /** The secret that he gives to the job. */
  secret: string;
  plan: Plan;
  gpuCount: number;
  durationS: number;
  orderedMs: number;
  jobId?: string;
  /** Whether it was ever reported as running. */
  ran: boolean;
  status: string;
  failureReason?: string;
  told: Told;
  /** When he first asked for its end. */
  cancelledMs?: number;
  extensions: Extensions;
  /** What its order was promised, if it was made by a quote. */
  promised?: Promised;
  /** The first violation; empty if there is none. */
  complaint: string;
}

/** What a kubelet has reported of a job's pod: its end, nothing that ends it, or nothing yet. */
export type Fate = 'over' | 'spared' | 'open';

/**
 * Rents jobs one after the other until `next` returns none; after any failure, it repeats the request with the same
 * key.
 */
export async function rentUntilDone(
  customer: Customer,
  random: Random,
  next: () => number | undefined,
  fateOf: (jobId: string) => Fate,
  stories: JobStory[],
): Promise<void> {
  const own: JobStory[] = [];
  for (let number = next(); number !== undefined; number = next()) {
    const plan = plans[number % plans.length]!;
    // A job that is cancelled in the end, or gets a hostile status, runs for so long that nothing depends on speed.
    const durationS = shortPlans.has(plan) ? random.whole(6, 15) : 3_600;
    const story = newStory(`chaos-${number}`, plan, random.whole(1, 2), durationS);
    stories.push(story);
    own.push(story);
    await live(customer, random, story, fateOf).catch((error: unknown) => complain(customer, story, error));
  }
  // What he was told at their end must also be what he is told later.
  for (const story of own) if (story.complaint === '') await readJob(customer, story).catch(() => undefined);
}

/** Rents one job on a machine that is about to fail. */
export async function rentOn(
  customer: Customer,
  providerId: string,
  plan: Exclude<Plan, (typeof plans)[number]>,
  number: number,
  fateOf: (jobId: string) => Fate,
  stories: JobStory[],
): Promise<void> {
  const story = newStory(`${providerId}-${number}`, plan, 1, 3_600);
  stories.push(story);
  await live(customer, createRandom(number), story, fateOf, providerId).catch((error: unknown) =>
    complain(customer, story, error),
  );
}

/**
 * Rents one job if what the customer deposited is enough.
 *
 * @returns the code of the refusal, if it is not; nothing was ordered then.
 */
export async function rentIfPaid(
  customer: Customer,
  random: Random,
  { key, plan, gpuCount }: { key: string; plan: PaidPlan; gpuCount: number },
  stories: JobStory[],
): Promise<string | undefined> {
  const story = newStory(key, plan, gpuCount, 3_600);
  stories.push(story);
  try {
    await live(customer, random, story, () => 'open');
    return undefined;
  } catch (error) {
    if (!(error instanceof NotPaid)) return void (await complain(customer, story, error));
    stories.splice(stories.indexOf(story), 1);
    return error.code;
  }
}

/** What was deposited is not enough, or is about to be taken out. */
class NotPaid extends Error {
  constructor(readonly code: string) {
    super(`ordering answered ${code}`);
  }
}

const unpaidCodes: ReadonlySet<string> = new Set(['insufficient_funds', 'exit_pending', 'settlement_stalled']);

function newStory(key: string, plan: Plan, gpuCount: number, durationS: number): JobStory {
  return {
    ...{ key, plan, gpuCount, durationS, orderedMs: Date.now(), ran: false, status: 'unknown', complaint: '' },
    secret: `sk_${randomBytes(24).toString('base64url')}`,
    told: {},
    extensions: noExtensions(),
  };
}

/** Records a violation, and ends the job, so that it is not reported as lost, too. */
async function complain(customer: Customer, story: JobStory, error: unknown): Promise<void> {
  story.complaint = error instanceof Error ? error.message : String(error);
  if (story.jobId === undefined) return;
  story.cancelledMs ??= Date.now();
  await insist(customer, 'DELETE', `/api/v1/jobs/${story.jobId}`).catch(() => undefined);
}

async function live(
  customer: Customer,
  random: Random,
  story: JobStory,
  fateOf: (jobId: string) => Fate,
  providerId?: string,
): Promise<void> {
  const { plan } = story;
  let job = await order(customer, story, providerId);
  const path = `/api/v1/jobs/${story.jobId}`;
  const see = async () => (job = await readJob(customer, story));
  const isOver = () => finalStatuses.has(job.status);
  const wait = (what: string, done: () => boolean, timeoutMs: number) =>
    until(async () => (await see(), done()), { everyMs: 500, timeoutMs, name: `the job ${what}` });

  if (plan !== 'cancel early') {
    await wait('runs', () => job.status === 'running' || isOver(), patienceMs);
    story.ran = job.expires_at !== undefined;
  }
  const extending: Extending = {
    ...{ customer, random, path, extensions: story.extensions },
    firstExpiryMs: (story.told.startedAtMs ?? 0) + story.durationS * 1_000,
  };
  if (job.status === 'running') {
    if (plan === 'extend, then cancel') await extendInEveryWay(extending, [1_800, 7_200], 1);
    if (plan === 'extend often, then cancel') await extendInEveryWay(extending, [60, 3_600], 12);
    if (plan === 'extend, then expire') await extendInEveryWay(extending, [1, 2], 2);
    if (plan === 'extend while it is paid, then cancel') await extendWhilePaid(extending, [1_800, 7_200], 8);
  }
  let cancels = plan.includes('cancel');
  if (plan === 'stay until a kubelet lies' || plan === 'be on a machine that falls silent') {
    await wait('may end', () => isOver() || fateOf(story.jobId!) !== 'open', stayMs);
    cancels = fateOf(story.jobId!) === 'spared';
  }
  if (cancels && !isOver()) {
    for (let pauses = random.whole(0, 8); pauses > 0 && !isOver(); pauses--) {
      await sleep(500);
      await see();
    }
    story.cancelledMs = Date.now();
    const { status, body } = await insist(customer, 'DELETE', path, undefined, { prefer: 'wait=20' });
    if (status !== 200 && status !== 202) throw new Error(`cancelling answered ${status} ${body.code ?? ''}`);
    keep(customer, story, body);
  }
  await wait('is over', isOver, plan === 'be on a machine that dies' ? lossPatienceMs : patienceMs);
  story.status = job.status;
  if (job.failure_reason !== undefined) story.failureReason = job.failure_reason;
  if (plan.startsWith('extend') && story.ran) await extendAfterTheEnd(extending);
}

/** Orders, at a price that binds or at what it costs; every other time twice at once, like a client whose connection broke: both must get the same job. */
async function order(customer: Customer, story: JobStory, providerId: string | undefined): Promise<JobBody> {
  const needed = {
    ...{ gpu_count: story.gpuCount, cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
    duration_hours: story.durationS / 3600,
    ...(providerId === undefined ? {} : { provider_id: providerId }),
  };
  const promised = quotedPlans.has(story.plan) ? await askForQuote(customer, needed) : undefined;
  if (promised !== undefined) story.promised = promised;
  const body = { ...needed, ssh_public_keys: [sshKey], env: { API_KEY: story.secret } };
  const send = async (prefer: string, order: object) =>
    await insist(customer, 'POST', '/api/v1/jobs', order, { 'idempotency-key': story.key, prefer });
  const ask = async (prefer: string) => {
    const { promised: by } = story;
    let reply = await send(prefer, by === undefined ? body : { ...body, quote_id: by.quoteId });
    // The broker was away for longer than the price held: he takes the present one.
    if (reply.body.code === 'quote_expired') {
      delete story.promised;
      reply = await send(prefer, body);
    }
    // A refusal names no job: one whose wallet asked for its money just afterwards was ordered, and failed.
    if (isOfPaid(story.plan) && reply.body.job_id === undefined && unpaidCodes.has(reply.body.code ?? ''))
      throw new NotPaid(reply.body.code!);
    // If a job ended before it ran, for want of capacity, with its pod or machine, or because its wallet leaves, the reply
    // is a conflict that names it.
    if (reply.status >= 400 && (reply.status !== 409 || reply.body.job_id === undefined))
      throw new Error(`ordering answered ${reply.status} ${reply.body.code ?? ''}`);
    return reply;
  };
  const wait = story.plan === 'cancel early' ? 'wait=0' : 'wait=30';
  const twice = story.plan === 'cancel' || story.plan === 'expire';
  const [reply, again] = await Promise.all([ask(wait), ...(twice ? [ask('wait=0')] : [])]);
  story.jobId = reply.body.job_id;
  if (again !== undefined && again.body.job_id !== story.jobId)
    customer.live.report('orders', `the key ${story.key} has the jobs ${story.jobId} and ${again.body.job_id}`);
  if (reply.status === 409) return await readJob(customer, story);
  keep(customer, story, reply.body);
  return reply.body;
}

async function readJob(customer: Customer, story: JobStory): Promise<JobBody> {
  const promisedMs = story.extensions.promisedMs;
  const { status, body } = await insist(customer, 'GET', `/api/v1/jobs/${story.jobId}`);
  if (status !== 200) throw new Error(`reading the job answered ${status} ${body.code ?? ''}`);
  keep(customer, story, body, promisedMs);
  return body;
}

function keep({ live }: Customer, story: JobStory, job: JobBody, promisedMs = 0): void {
  for (const wrong of keepTold(story.told, job, promisedMs))
    live.report('told', `${story.key} (${story.plan}) ${story.jobId}: ${wrong}`);
}
