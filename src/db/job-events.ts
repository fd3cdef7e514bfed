import type { Queryable } from './pool.js';
import type { JobEvent, JobNews } from '../domain/job-event.js';
import type { StartStep } from '../domain/job-phase.js';
import { startSteps } from '../domain/job-phase.js';
import { sentence } from '../domain/outside.js';
import type { JobEventKind } from '../wire/job-events.js';
import { prepared } from './prepared.js';

/**
 * The end of a `with` whose `changed` has changed jobs and counted one event for each: writes these events as `told`,
 * which has their wallets. Make it the last statement of its transaction: it locks the wallet until the commit, so that
 * the ids of a wallet's events become visible in their order. Nothing may be waited for after it, or two transactions
 * could wait for each other.
 *
 * @param event SQL for the kind, text and data of each row of `from`.
 */
export function tellSql({ kind, text, data }: { kind: string; text: string; data: string }, from = 'changed'): string {
  return `locked as materialized (
       select job_id, wallet, event_count, ${kind} as kind, ${text} as text, ${data} as data,
              pg_advisory_xact_lock(hashtextextended('events of ' || wallet, 0))
         from ${from}
     ), told as (
       insert into job_events (job_id, seq, wallet, kind, text, data)
       select job_id, event_count, wallet, kind, text, data from locked
       returning wallet
     )`;
}

/** The SQL of an event whose text and data are these parameters. */
export function eventOf(kind: JobEventKind, text: string, data: string): Parameters<typeof tellSql>[0] {
  return { kind: `'${kind}'`, text: `${text}::text`, data: `${data}::jsonb` };
}

/** Who is to hear of it: the wallet of the event that a statement wrote, if it wrote one. */
export type Told = string | undefined;

/** Writes the first event of a job that the same transaction has inserted. */
export async function tellOrdered(tx: Queryable, jobId: string, { kind, text, data }: JobNews): Promise<Told> {
  const { rows } = await tx.query<{ wallet: string }>(
    prepared(`with changed as (
       update jobs set event_count = event_count + 1, phase = 'ordered' where job_id = $1
       returning job_id, wallet, event_count
     ), ${tellSql({ kind: '$2::text', text: '$3::text', data: '$4::jsonb' })}
     select wallet from told`),
    [jobId, kind, text, JSON.stringify(data)],
  );
  return rows[0]?.wallet;
}

/**
 * Writes events of a job that change nothing of it; of one that has ended, none. The transaction has written another event
 * of the job just before, so it holds all that this needs.
 */
export async function tellAlso(tx: Queryable, jobId: string, told: readonly JobNews[]): Promise<void> {
  for (const { kind, text, data } of told) {
    await tx.query(
      `with changed as (
         update jobs set event_count = event_count + 1 where job_id = $1 and ended_at is null
         returning job_id, wallet, event_count
       ), ${tellSql({ kind: '$2::text', text: '$3::text', data: '$4::jsonb' })}
       select from told`,
      [jobId, kind, text, JSON.stringify(data)],
    );
  }
}

/**
 * Writes a step of a start that the cluster told: once, and never a step back. A job that is not starting has no such
 * steps.
 */
export async function tellStep(db: Queryable, jobId: string, step: JobNews & { kind: StartStep }): Promise<Told> {
  const before = startSteps.slice(0, startSteps.indexOf(step.kind));
  const { rows } = await db.query<{ wallet: string }>(
    prepared(`with changed as (
       update jobs set event_count = event_count + 1, phase = $2
        where job_id = $1 and status = 'provisioning' and phase = any ($5::text[])
       returning job_id, wallet, event_count
     ), ${tellSql({ kind: '$2::text', text: '$3::text', data: '$4::jsonb' })}
     select wallet from told`),
    [jobId, step.kind, step.text, JSON.stringify(step.data), before],
  );
  return rows[0]?.wallet;
}

/** How long before its end a job's customer is reminded, at most. */
const remindedBeforeS = 600;
/** The share of its time that remains then, for a short job. */
const remindedShare = 1 / 6;
/** What one statement announces at most; the next run finds the rest. */
const announcedAtOnce = 1_000;

/**
 * Announces the end of every job that ends soon and whose end was not announced: again after an extension moved it.
 *
 * @returns the wallets that are to hear of it.
 */
export async function announceExpiries(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ wallet: string }>(
    `with due as materialized (
       select job_id from jobs
        where ended_at is null and status = 'running' and expires_at > now()
          and expires_at <= now() + least(make_interval(secs => $1), (expires_at - started_at) * $2::float8)
          and announced_expiry is distinct from expires_at
        order by expires_at limit $3 for update skip locked
     ), changed as (
       update jobs j set announced_expiry = expires_at, event_count = event_count + 1
         from due where j.job_id = due.job_id
       returning j.job_id, j.wallet, j.event_count, j.expires_at
     ), by_wallet as materialized (select * from changed order by hashtextextended('events of ' || wallet, 0)),
     ${tellSql(
       {
         kind: `'expires_soon'`,
         text: `'the rented time is over at ' || to_char(expires_at at time zone 'utc', 'HH24:MI') || ' UTC; extend the job to keep it'`,
         data: `jsonb_build_object('expires_at', to_char(expires_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
       },
       'by_wallet',
     )}
     select distinct wallet from told`,
    [remindedBeforeS, remindedShare, announcedAtOnce],
  );
  return rows.map(({ wallet }) => wallet);
}

interface EventRow {
  id: number;
  job_id: string;
  seq: number;
  wallet: string;
  at: Date;
  kind: JobEventKind;
  text: string;
  data: JobNews['data'];
}

const eventColumns = 'e.id, e.job_id, e.seq, e.wallet, e.at, e.kind, e.text, e.data';

function eventOfRow({ id, job_id, seq, at, kind, text, data }: EventRow): JobEvent {
  return { id, jobId: job_id, seq, at, kind, text: sentence(text), data };
}

/** The events of a job after one of them, in order. */
export async function eventsOfJob(
  db: Queryable,
  { jobId, after, limit }: { jobId: string; after: number; limit: number },
): Promise<JobEvent[]> {
  const { rows } = await db.query<EventRow>(
    `select ${eventColumns} from job_events e where e.job_id = $1 and e.seq > $2::bigint order by e.seq limit $3`,
    [jobId, after, limit],
  );
  return rows.map(eventOfRow);
}

/** The events of a wallet's jobs after one of them, in order. */
export async function eventsOfWallet(
  db: Queryable,
  { wallet, after, limit }: { wallet: string; after: number; limit: number },
): Promise<JobEvent[]> {
  const { rows } = await db.query<EventRow>(
    `select ${eventColumns} from job_events e where e.wallet = $1 and e.id > $2 order by e.id limit $3`,
    [wallet, after, limit],
  );
  return rows.map(eventOfRow);
}

/** The id of a wallet's last event; 0 if it has none. */
export async function lastEventId(db: Queryable, wallet: string): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `select coalesce(max(id), 0) as id from job_events where wallet = $1`,
    [wallet],
  );
  return rows[0]!.id;
}

/** The next events of several wallets, each after the one it has read, `limit` of each at most. */
export async function nextEvents(
  db: Queryable,
  read: readonly { wallet: string; after: number }[],
  limit: number,
): Promise<Map<string, JobEvent[]>> {
  const { rows } = await db.query<EventRow>(
    prepared(`select ${eventColumns}
       from unnest($1::text[], $2::bigint[]) as r (wallet, after)
       cross join lateral (
         select * from job_events e where e.wallet = r.wallet and e.id > r.after order by e.id limit $3
       ) e
      order by e.id`),
    [read.map(({ wallet }) => wallet), read.map(({ after }) => after), limit],
  );
  const found = new Map<string, JobEvent[]>();
  for (const row of rows) {
    const events = found.get(row.wallet);
    if (events === undefined) found.set(row.wallet, [eventOfRow(row)]);
    else events.push(eventOfRow(row));
  }
  return found;
}
