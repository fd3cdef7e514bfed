import type { AskedMachine } from '../domain/job-use.js';
import { liveProgramStates } from '../domain/job-use.js';
import type { JobNews } from '../domain/job-event.js';
import type { WatchedJob } from '../domain/job-watch.js';
import { tellSql } from './job-events.js';
import type { Told } from './job-events.js';
import { withTransaction, type Queryable } from './pool.js';
import type { Pool } from 'pg';

/** A running job whose machine is to be asked. */
export interface DueWatch {
  machine: AskedMachine;
  known: WatchedJob;
}

interface Row {
  job_id: string;
  program_state: string | null;
  program_restarts: string | null;
  gpus_lost: boolean;
  events: number;
  ssh_host: string | null;
  ssh_port: number | null;
  ssh_host_key: string | null;
  runs: boolean | null;
}

/** Has running jobs watched that are not yet: those with a main program, and those with GPUs. Some thousands at a time. */
export async function watchNewJobs(db: Queryable): Promise<void> {
  await db.query(
    `insert into job_watches (job_id, next_at)
     select j.job_id, clock_timestamp() + random() * interval '1 minute'
       from jobs j
      where j.status = 'running' and j.ended_at is null and j.ssh_host_key is not null
        and (j.program_restart is not null or j.gpu_count > 0)
        and not exists (select from job_watches w where w.job_id = j.job_id)
      limit 5000
     on conflict do nothing`,
  );
}

/**
 * Takes the jobs that are due, the longest first, and puts each off by `everyS`, give or take a fifth: processes that ask
 * at the same time take different ones. Those of jobs that have ended are forgotten.
 */
export async function takeDueWatches(db: Queryable, limit: number, everyS: number): Promise<DueWatch[]> {
  const { rows } = await db.query<Row>(
    `with due as materialized (
       select job_id from job_watches where next_at <= clock_timestamp()
        order by next_at limit $1 for update skip locked
     ), taken as (
       update job_watches w
          set next_at = clock_timestamp() + make_interval(secs => $2::float8 * (0.8 + 0.4 * random()))
         from due where w.job_id = due.job_id
       returning w.job_id, w.program_state, w.program_restarts, w.gpus_lost, w.events
     )
     select t.job_id, t.program_state, t.program_restarts, t.gpus_lost, t.events,
            j.ssh_host, j.ssh_port, j.ssh_host_key, j.status = 'running' and j.ended_at is null as runs
       from taken t left join jobs j on j.job_id = t.job_id`,
    [limit, everyS],
  );
  const over = rows.filter(({ runs }) => runs !== true).map(({ job_id }) => job_id);
  if (over.length > 0) await db.query('delete from job_watches where job_id = any ($1::uuid[])', [over]);
  return rows.flatMap((row) => {
    const { job_id: jobId, ssh_host: host, ssh_port: port, ssh_host_key: hostKey, runs } = row;
    if (runs !== true || host === null || port === null || hostKey === null) return [];
    return [{ machine: { jobId, host, port, hostKey }, known: knownOf(row) }];
  });
}

function knownOf({ program_state, program_restarts, gpus_lost, events }: Row): WatchedJob {
  const programState = liveProgramStates.find((state) => state === program_state);
  return {
    ...(programState === undefined ? {} : { programState }),
    ...{ restarts: Number(program_restarts ?? 0), gpusLost: gpus_lost, events },
  };
}

/** Writes down what a machine said, and the events of it if the job still runs. */
export async function recordWatch(
  pool: Pool,
  jobId: string,
  { now, told }: { now: WatchedJob; told: readonly JobNews[] },
): Promise<Told> {
  return await withTransaction(pool, async (tx) => {
    await tx.query(
      `update job_watches set program_state = $2, program_restarts = $3, gpus_lost = $4, events = $5 where job_id = $1`,
      [jobId, now.programState ?? null, now.restarts, now.gpusLost, now.events],
    );
    let wallet: Told;
    for (const { kind, text, data } of told) {
      const { rows } = await tx.query<{ wallet: string }>(
        `with changed as (
           update jobs set event_count = event_count + 1 where job_id = $1 and status = 'running' and ended_at is null
           returning job_id, wallet, event_count
         ), ${tellSql({ kind: '$2::text', text: '$3::text', data: '$4::jsonb' })}
         select wallet from told`,
        [jobId, kind, text, JSON.stringify(data)],
      );
      wallet = rows[0]?.wallet ?? wallet;
    }
    return wallet;
  });
}

/** Leaves a job alone for longer: its SSH server does not answer, or does not know the question. */
export async function putOffWatch(db: Queryable, jobId: string, byS: number): Promise<void> {
  await db.query(
    'update job_watches set next_at = clock_timestamp() + make_interval(secs => $2::float8) where job_id = $1',
    [jobId, byS],
  );
}
