import type { RegistrationAnswer } from '../domain/registration-answer.js';
import type { Queryable } from './pool.js';
import { lockedSql, senderOf } from './registrations.js';
import { storableJson } from './json.js';
import { prepared } from './prepared.js';
import { togetherLocking } from './together.js';

/** A worker that has not said for this long that it is there answers nothing. */
const answererGoneS = 6;
/** A registration that could not be answered is its workflow's after this time: agents wait for 60. */
const unansweredS = 45;
/** The same for one that no worker has tried, which may merely wait its turn in a storm. */
const untriedS = 300;

/** Of `provider_registrations`: handed over, and its workflow was not told. */
const atDesk = (row: string) => `${row}.handed_over_at is not null and ${row}.signalled_at is null`;
const isHeld = (row: string) => `coalesce(${row}.held_until >= now(), false)`;
/** Its provider leaves the fleet, or has left. */
const leaves = (row: string) =>
  `exists (select from providers p
            where p.provider_id = ${row}.provider_id and (p.retiring or p.status = 'retired'))`;
/** A worker answers. @param parameter how long it may have said nothing, in seconds. */
const isServed = (parameter: string) =>
  `exists (select from registration_answerers where seen_at > now() - make_interval(secs => ${parameter}))`;

/** Says that this worker answers registrations. */
export async function announceAnswerer(db: Queryable, name: string): Promise<void> {
  await db.query(
    `with gone as (delete from registration_answerers where seen_at < now() - interval '1 hour')
     insert into registration_answerers (name) values ($1) on conflict (name) do update set seen_at = now()`,
    [name],
  );
}

/** Says that it does not any more. */
export async function withdrawAnswerer(db: Queryable, name: string): Promise<void> {
  await db.query('delete from registration_answerers where name = $1', [name]);
}

/**
 * Hands a stored registration over to the workers, to be answered before its provider's workflow is told. A repeat
 * changes nothing.
 *
 * @returns false if no worker answers, or if the provider is leaving, which is for its workflow to say.
 */
export const handOver = togetherLocking(whichAreHandedOver);

/** The same for several registrations, in their order. */
export async function whichAreHandedOver(db: Queryable, messageIds: readonly string[]): Promise<boolean[]> {
  const { rows } = await db.query<{ message_id: string }>(
    prepared(`update provider_registrations r set handed_over_at = coalesce(handed_over_at, now())
      where message_id in (${lockedSql('$1')}) and signalled_at is null
        and ${isServed('$2')} and not ${leaves('r')}
     returning message_id`),
    [messageIds, answererGoneS],
  );
  const handedOver = new Set(rows.map(({ message_id }) => message_id));
  return messageIds.map((messageId) => handedOver.has(messageId));
}

export interface ClaimedRegistration {
  messageId: string;
  providerId: string;
}

/**
 * Takes the registrations that have waited longest, for `leaseS`; if they are not answered by then, they are taken
 * again. A provider's registrations are taken one after the other, and none for half a minute after its workflow was told to
 * answer another: each answer decides which earlier tokens stay valid.
 */
export async function claimRegistrations(
  db: Queryable,
  { limit, leaseS }: { limit: number; leaseS: number },
): Promise<ClaimedRegistration[]> {
  const { rows } = await db.query<{ message_id: string; provider_id: string }>(
    prepared(`update provider_registrations r set held_until = now() + make_interval(secs => $2)
      where message_id in (
        select w.message_id from provider_registrations w
         where ${atDesk('w')} and w.answer is null and not ${isHeld('w')} and not ${leaves('w')}
           and not exists (select from provider_registrations o
                            where o.provider_id = w.provider_id and o.kind = w.kind and o.message_id <> w.message_id
                              and o.answer is null
                              and case when o.signalled_at is null
                                       then (o.handed_over_at, o.message_id) < (w.handed_over_at, w.message_id)
                                       else o.signalled_at > now() - interval '30 seconds' end)
         order by w.handed_over_at limit $1 for no key update of w skip locked)
     returning message_id, provider_id`),
    [limit, leaseS],
  );
  return rows.map((row) => ({ messageId: row.message_id, providerId: row.provider_id }));
}

/** How many registrations wait for an answer of a worker, counted up to `most`. */
export async function countUnanswered(db: Queryable, most: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    prepared(`select count(*)::int as count
       from (select from provider_registrations r where ${atDesk('r')} and answer is null limit $1) waiting`),
    [most],
  );
  return rows[0]!.count;
}

/** Lets others take a registration after a pause, because this one could not be answered, or its workflow not be told. */
export async function releaseClaim(db: Queryable, messageId: string, pauseS: number): Promise<void> {
  await db.query(
    `update provider_registrations set held_until = now() + make_interval(secs => $2)
      where message_id = $1 and signalled_at is null`,
    [messageId, pauseS],
  );
}

/** Keeps what became of a registration, for its workflow; the first answer stays. */
export const recordAnswer = togetherLocking(recordAnswers, ({ messageId }) => messageId);

/** The same for many registrations. */
export async function recordAnswers(
  db: Queryable,
  answered: readonly { messageId: string; answer: RegistrationAnswer }[],
): Promise<void> {
  await db.query(
    prepared(`update provider_registrations r set answer = coalesce(r.answer, a.answer::jsonb), held_until = null
       from unnest($1::text[], $2::text[]) as a (message_id, answer)
      where r.message_id = a.message_id and r.message_id in (${lockedSql('$1')})`),
    [answered.map(({ messageId }) => messageId), answered.map(({ answer }) => storableJson(answer))],
  );
}

/** A registration of which a workflow is to be told. */
export interface UntoldRegistration {
  messageId: string;
  providerId: string;
  sender: string;
  /** What became of it; absent if the workflow is to answer it. */
  answer?: RegistrationAnswer;
  /** How long ago it was handed over. */
  waitedS: number;
}

/**
 * Takes registrations of which workflows are to be told, for `leaseS`: those that were answered, and those that nobody
 * could answer or tries to. The oldest first. The workflow of a provider that leaves decides by itself what becomes of it.
 *
 * @param olderThanS handed over at least this long ago.
 */
export async function claimUntold(
  db: Queryable,
  { limit, leaseS, olderThanS = 0 }: { limit: number; leaseS: number; olderThanS?: number },
): Promise<UntoldRegistration[]> {
  const { rows } = await db.query<{
    message_id: string;
    provider_id: string;
    wallet: string;
    signed: boolean;
    answer: RegistrationAnswer | null;
    waited_s: number;
    leaves: boolean;
  }>(
    prepared(`update provider_registrations r set held_until = now() + make_interval(secs => $2)
      where message_id in (
        select w.message_id from provider_registrations w
         where ${atDesk('w')} and not ${isHeld('w')}
           and w.handed_over_at <= now() - make_interval(secs => $3)
           and (w.answer is not null or
                (w.handed_over_at < now() - make_interval(secs => $4)
                 and (w.held_until is not null
                      or w.handed_over_at < now() - make_interval(secs => $5)
                      or not ${isServed('$6')} or ${leaves('w')})))
         order by w.handed_over_at limit $1 for no key update of w skip locked)
     returning message_id, provider_id, wallet, signed, answer, ${leaves('r')} as leaves,
               extract(epoch from now() - handed_over_at)::float8 as waited_s`),
    [limit, leaseS, olderThanS, unansweredS, untriedS, answererGoneS],
  );
  return rows.map((row) => ({
    ...{ messageId: row.message_id, providerId: row.provider_id, sender: senderOf(row), waitedS: row.waited_s },
    ...(row.answer === null || row.leaves ? {} : { answer: row.answer }),
  }));
}

/** Whether a provider's workflow is still to be told of a registration. */
export async function hasUntold(db: Queryable, providerId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    prepared(`select from provider_registrations r where provider_id = $1 and ${atDesk('r')} limit 1`),
    [providerId],
  );
  return rowCount === 1;
}

/** The same of the registration that a join token answers. */
export async function isTokenUntold(db: Queryable, tokenId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from join_tokens t join provider_registrations r on r.message_id = split_part(t.message_id, '#', 1)
      where t.token_id = $1 and ${atDesk('r')}`,
    [tokenId],
  );
  return rowCount === 1;
}

/** Whether a worker is answering a registration of the provider at this moment. */
export async function isBeingAnswered(db: Queryable, providerId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from provider_registrations r
      where provider_id = $1 and ${atDesk('r')} and answer is null and ${isHeld('r')} limit 1`,
    [providerId],
  );
  return rowCount === 1;
}

/** How much the desk has before it, for operators. */
export interface DeskBacklog {
  unanswered: number;
  untold: number;
  /** How long the oldest of them has waited, in seconds. */
  oldestS: number;
}

export async function deskBacklog(db: Queryable): Promise<DeskBacklog> {
  const { rows } = await db.query<{ unanswered: number; untold: number; oldest_s: number }>(
    `select count(*) filter (where answer is null)::int as unanswered,
            count(*) filter (where answer is not null)::int as untold,
            coalesce(extract(epoch from now() - min(handed_over_at)), 0)::float8 as oldest_s
       from provider_registrations r where ${atDesk('r')}`,
  );
  const { unanswered, untold, oldest_s } = rows[0]!;
  return { unanswered, untold, oldestS: oldest_s };
}
