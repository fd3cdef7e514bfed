import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.js';
import { insist, type Customer } from './requests.js';

/** A customer's extensions of one job, and their replies. */
export interface Extensions {
  /** Seconds of each key that got a 200: each moves the expiry once. */
  moved: Map<string, number>;
  /** Replies to a repeated key. */
  repeats: number;
  /** Refusals of a key with another duration. */
  conflicts: number;
  /** Refusals because too little is deposited. */
  unpaid: number;
  /** The latest expiry in a reply. */
  promisedMs: number;
}

export const noExtensions = (): Extensions => ({
  moved: new Map(),
  repeats: 0,
  conflicts: 0,
  unpaid: 0,
  promisedMs: 0,
});

export interface Extending {
  customer: Customer;
  random: Random;
  /** The job's path. */
  path: string;
  /** The expiry at the start. */
  firstExpiryMs: number;
  extensions: Extensions;
}

/**
 * Extends a running job in all the ways a client with a bad connection does. `manySeconds` is for jobs that end soon.
 */
export async function extendInEveryWay(extending: Extending, manySeconds: [number, number], count: number) {
  const { random } = extending;
  const seconds = () => random.whole(...manySeconds);
  const first = seconds();
  if (!(await extend(extending, 'first', first))) return;
  await extend(extending, 'first', first);
  await refuseOtherHours(extending, 'first', first);
  // The same key twice at once, and then two requests for different times: one of them is the first.
  const twice = seconds();
  await Promise.all([extend(extending, 'twice', twice), extend(extending, 'twice', twice)]);
  await contend(extending, seconds());
  const many = Array.from({ length: count }, (_, n) => ({ key: `many-${n}`, seconds: seconds() }));
  await Promise.all(many.map((each) => extend(extending, each.key, each.seconds)));
  await sleep(random.whole(0, 2_000));
  for (const each of many.slice(0, 2)) await extend(extending, each.key, each.seconds);
}

/** Extends by one key after the other until the deposit does not cover any more. */
export async function extendWhilePaid(extending: Extending, manySeconds: [number, number], most: number) {
  const { random } = extending;
  for (let n = 0; n < most; n++)
    if (!(await extend(extending, `paid-${n}`, random.whole(...manySeconds), { isMaybeUnpaid: true }))) return;
}

/** After the job's end, repeats get the same replies, and no new extension is accepted. */
export async function extendAfterTheEnd(extending: Extending): Promise<void> {
  for (const [key, seconds] of [...extending.extensions.moved].slice(0, 2)) {
    await extend(extending, key, seconds);
    await refuseOtherHours(extending, key, seconds);
  }
  if (await extend(extending, 'too late', 60)) throw new Error('a job that is over was extended');
}

/** @returns whether the key moves the expiry; it does not once the job has ended, or where it is not paid for. */
async function extend(
  extending: Extending,
  key: string,
  seconds: number,
  { isMaybeUnpaid = false }: { isMaybeUnpaid?: boolean } = {},
): Promise<boolean> {
  const { extensions, firstExpiryMs } = extending;
  const wasMoved = extensions.moved.has(key);
  const { status, body } = await ask(extending, key, seconds);
  if (status === 409 && body.code === 'job_ended' && !wasMoved) return false;
  if (isMaybeUnpaid && (body.code === 'insufficient_funds' || body.code === 'exit_pending')) {
    extensions.unpaid++;
    return false;
  }
  if (status !== 200) throw new Error(`extending with the key "${key}" answered ${status} ${body.code ?? ''}`);
  if (wasMoved || extensions.moved.has(key)) extensions.repeats++;
  extensions.moved.set(key, seconds);
  const expiresAtMs = Date.parse(body.expires_at ?? '');
  if (!(expiresAtMs >= firstExpiryMs + 1_000 * seconds)) throw new Error(`the key "${key}" did not move the expiry`);
  extensions.promisedMs = Math.max(extensions.promisedMs, expiresAtMs);
  return true;
}

async function refuseOtherHours(extending: Extending, key: string, seconds: number): Promise<void> {
  const { status, body } = await ask(extending, key, seconds + 3_600);
  if (status !== 409 || body.code !== 'idempotency_conflict')
    throw new Error(`the key "${key}" with other hours answered ${status} ${body.code ?? ''}`);
  extending.extensions.conflicts++;
}

/** One key for two different times at once: one of them succeeds, and the other gets a conflict. */
async function contend(extending: Extending, seconds: number): Promise<void> {
  const offers = [seconds, seconds + 1];
  const replies = await Promise.all(offers.map((each) => ask(extending, 'contended', each)));
  const taken = offers.filter((_, n) => replies[n]!.status === 200);
  const said = replies.map(({ status, body }) => `${status} ${body.code ?? ''}`).join(' and ');
  if (taken.length === 0 && replies.every(({ body }) => body.code === 'job_ended')) return;
  if (taken.length !== 1) throw new Error(`one key for two times at once answered ${said}`);
  extending.extensions.moved.set('contended', taken[0]!);
  const refused = replies.find(({ status }) => status !== 200)!;
  if (!['idempotency_conflict', 'job_ended'].includes(refused.body.code ?? ''))
    throw new Error(`one key for two times at once answered ${said}`);
  extending.extensions.conflicts++;
}

async function ask({ customer, path }: Extending, key: string, seconds: number) {
  const body = { additional_hours: seconds / 3_600 };
  return await insist(customer, 'POST', `${path}/extend`, body, { 'idempotency-key': key });
}
