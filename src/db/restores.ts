import type { Pool } from 'pg';
import { installationId } from './installation.js';
import { withTransaction, type Queryable } from './pool.js';
import { noteLoss } from './stream-losses.js';
import { streams } from '../wire/streams.js';

/**
 * How it was found out that the database was restored: the cluster has seen a later one (`older`), or its server's log
 * has another timeline, as after a restore or after another server took over (`timeline`).
 */
export type RestoreCause = 'older' | 'timeline';

/** A restore that no operator has looked at yet. */
export interface OpenRestore {
  id: number;
  foundAt: Date;
  why: RestoreCause;
  /** The last time at which the database is known to have been complete. */
  knownUntil?: Date;
  /** Whether all pods were compared with jobs since it was found: pods that are gone later ended later. */
  arePodsSeen: boolean;
  /** Whether steps of jobs that workflows remember were written again. */
  areStepsWritten: boolean;
  /** The last job whose steps were written, while that is under way. */
  stepsWrittenAfter?: string;
}

/** A pod of a job that the database does not know. */
export interface KeptPod {
  jobId: string;
  namespace: string;
  name: string;
  node?: string;
  /** RFC 3339. */
  createdAt: string;
  /** Whether a workflow takes care of it. */
  workflow: boolean;
}

/** How far the database has come. */
export interface DatabaseMark {
  /** The number of the last run of the reconciler. */
  mark: number;
  /** The timeline when this was last in order; absent before the first run, or if the server does not say. */
  timeline?: string;
}

export async function readMark(pool: Pool): Promise<DatabaseMark> {
  await installationId(pool);
  const { rows } = await pool.query<{ mark: number; timeline: string | null }>(
    'select mark, timeline from installation',
  );
  const { mark, timeline } = rows[0]!;
  return { mark, ...(timeline === null ? {} : { timeline }) };
}

/**
 * The timeline of the server's log.
 *
 * @returns undefined if the server does not say: some services that speak the language of Postgres have none.
 */
export async function serverTimeline(pool: Pool): Promise<string | undefined> {
  try {
    const { rows } = await pool.query<{ timeline: string }>(
      'select left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline',
    );
    return rows[0]!.timeline;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const { code = '' } = cause as { code?: string };
    // Not supported, no right, no such function.
    if (['0A000', '42501', '42883'].includes(code)) return undefined;
    throw error;
  }
}

/** Counts a run of the reconciler. @returns its number. */
export async function advanceMark(pool: Pool, timeline: string | undefined): Promise<number> {
  await installationId(pool);
  const { rows } = await pool.query<{ mark: number }>(
    `update installation set mark = mark + 1, marked_at = clock_timestamp(), timeline = coalesce(timeline, $1)
     returning mark`,
    [timeline ?? null],
  );
  return rows[0]!.mark;
}

/**
 * Writes down that the database was restored, in one transaction with what makes it the newest again: a mark above all that
 * the cluster has seen, and names of nodes that the cluster has on its list of those that left. Numbers of events go on
 * far above those that clients may have seen, so that none of them waits for numbers that are used twice. Heartbeats since
 * the backup are lost: until every machine has had time to be heard again, none counts as silent, and no customer is
 * spared the price of a time in which he was served.
 *
 * @param found `mark` is the highest that the cluster has seen.
 */
export async function beginRestore(
  pool: Pool,
  found: { why: RestoreCause; mark: number; timeline: string | undefined; leftNodes: readonly string[] },
): Promise<void> {
  await withTransaction(pool, async (tx) => {
    // A backup of a version that did not mark its databases tells its age by the machines that it heard.
    const { rows } = await tx.query<{ known_until: Date | null }>(
      `select coalesce(marked_at, (select max(last_heartbeat) from provider_heartbeats)) as known_until
         from installation for update`,
    );
    const knownUntil = rows[0]?.known_until ?? null;
    // One that is open already was complete only until the first of them. If nobody knows until when, nobody does now.
    const { rowCount } = await tx.query(
      `update restores set why = $1, found_at = clock_timestamp(), pods_seen_at = null, steps_written_at = null,
                           steps_written_after = null, steps_failed = false,
                           known_until = case when known_until is not null then least(known_until, $2) end
        where over_at is null`,
      [found.why, knownUntil],
    );
    if (rowCount === 0)
      await tx.query('insert into restores (why, known_until) values ($1, $2)', [found.why, knownUntil]);
    await adoptLeftNodes(tx, found.leftNodes);
    await noteLoss(tx, streams.heartbeat);
    await tx.query(
      `select setval(pg_get_serial_sequence('job_events', 'id'),
                     nextval(pg_get_serial_sequence('job_events', 'id')) + 1000000)`,
    );
    await tx.query(
      `update installation set mark = greatest(mark, $1) + 1, marked_at = clock_timestamp(),
                               timeline = coalesce($2, timeline)`,
      [found.mark, found.timeline ?? null],
    );
  });
}

/** No provider has this id: it has characters that no id may have. */
const nobody = '(forgotten)';

/** A node that has left never comes back under its name, so the cluster's list is right where it differs. */
async function adoptLeftNodes(tx: Queryable, names: readonly string[]): Promise<void> {
  await tx.query(
    `update provider_nodes set left_at = now(), certified_at = coalesce(certified_at, now())
      where node_name = any ($1::text[]) and left_at is null and generation > 0`,
    [names],
  );
  await tx.query(
    `insert into provider_nodes (node_name, provider_id, generation, certified_at, left_at, closed_at)
     select name, $2::varchar,
            row_number() over () + (select coalesce(max(generation), 0) from provider_nodes where provider_id = $2::varchar),
            now(), now(), now()
       from unnest($1::text[]) name
      where not exists (select from provider_nodes n where n.node_name = name)
     on conflict (node_name) do nothing`,
    [names, nobody],
  );
}

/** The restore that no operator has looked at yet. */
export async function openRestore(db: Queryable): Promise<OpenRestore | undefined> {
  const { rows } = await db.query<{
    id: number;
    found_at: Date;
    why: RestoreCause;
    known_until: Date | null;
    steps_written: boolean;
    steps_written_after: string | null;
    pods_seen: boolean;
  }>(
    `select id, found_at, why, known_until, steps_written_at is not null as steps_written, steps_written_after,
            pods_seen_at is not null as pods_seen
       from restores where over_at is null`,
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { id, found_at: foundAt, why, known_until: knownUntil, steps_written_after: after } = row;
  return {
    ...{ id, foundAt, why, areStepsWritten: row.steps_written, arePodsSeen: row.pods_seen },
    ...(knownUntil === null ? {} : { knownUntil }),
    ...(after === null ? {} : { stepsWrittenAfter: after }),
  };
}

/**
 * Until when a job of an open restore is charged if its pod is gone and nobody knows since when: it may have ended at any
 * time since then, and its customer may have paid for it.
 *
 * @returns undefined once all pods were seen after the restore: what is gone later ended later.
 */
export function chargedUntil(restore: OpenRestore | undefined): Date | undefined {
  return restore === undefined || restore.arePodsSeen ? undefined : restore.knownUntil;
}

/** That a restore was not found again since: times here have more digits than those of the process. */
const isSameSql = (foundAt: string) => `over_at is null and found_at < ${foundAt}::timestamptz + interval '1 ms'`;

/** Records that every job whose pod was gone when the database was restored has been told so. */
export async function markPodsSeen(db: Queryable, restoreId: number, foundAt: Date): Promise<void> {
  await db.query(`update restores set pods_seen_at = clock_timestamp() where id = $1 and ${isSameSql('$2')}`, [
    restoreId,
    foundAt,
  ]);
}

/** Records up to which job steps were written again, in the order of ids; `isWhole` is false if some have to be tried again. */
export async function recordStepsPage(
  db: Queryable,
  restoreId: number,
  foundAt: Date,
  { lastJobId, isWhole }: { lastJobId: string; isWhole: boolean },
): Promise<void> {
  await db.query(
    `update restores set steps_written_after = $3, steps_failed = steps_failed or not $4::boolean
      where id = $1 and ${isSameSql('$2')}`,
    [restoreId, foundAt, lastJobId, isWhole],
  );
}

/** Records that the steps of all jobs were written again; if some have to be tried again, the next pass begins. */
export async function endStepsPass(db: Queryable, restoreId: number, foundAt: Date): Promise<void> {
  await db.query(
    `update restores set steps_written_at = case when not steps_failed then clock_timestamp() end,
                         steps_written_after = null, steps_failed = false
      where id = $1 and ${isSameSql('$2')}`,
    [restoreId, foundAt],
  );
}

/** Writes down which pods of unknown jobs there are, for the operator who has to decide about them. */
export async function recordKept(db: Queryable, restoreId: number, kept: readonly KeptPod[]): Promise<void> {
  await db.query('update restores set kept = $2 where id = $1 and over_at is null', [restoreId, JSON.stringify(kept)]);
}

/** Those of these jobs of which the database has a row, whatever has become of them. */
export async function knownJobs(db: Queryable, jobIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ job_id: string }>('select job_id from jobs where job_id = any ($1::uuid[])', [
    jobIds,
  ]);
  return new Set(rows.map(({ job_id }) => job_id));
}
