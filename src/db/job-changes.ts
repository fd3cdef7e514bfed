import type { BilledTime } from '../domain/billing.js';
import { BrokerError } from '../domain/errors.js';
import type { JobFailure, Placement, SshAccess } from '../domain/job.js';
import { inWords, news, type JobNews } from '../domain/job-event.js';
import type { Printable } from '../domain/outside.js';
import { eventOf, tellSql, type Told } from './job-events.js';
import { priceOfRateSql, rateOfPriceSql } from './offers.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';
import type { ErrorCode } from '../wire/error-codes.js';
import type { JobEnder } from '../wire/job-events.js';
import type { FinalJobStatus } from '../wire/statuses.js';

// Writes by a job's workflow. Each statement only moves a job forward: a late attempt finds the job further on and
// changes nothing. A statement that changes a job writes the event, too, and a repeated one writes none; it is the last
// one of its transaction.

/** What a change of one job returns, for `tellSql`. */
const counted = 'returning j.job_id, j.wallet, j.event_count';

/** @param feeBps the platform's share of the job's charge, which is frozen together with its rate. */
export async function markProvisioning(db: Queryable, jobId: string, placement: Placement, feeBps = 0): Promise<Told> {
  const { providerId, gpuType, gpuModel, pricePerHour, rate } = placement;
  const { text, data } = news('placed', `placed on ${providerId}`, {
    provider_id: providerId,
    gpu_type: gpuType,
    price_per_hour: pricePerHour,
  });
  return await change(
    db,
    `with changed as (
       update jobs j set status = 'provisioning', provider_id = $2, gpu_type = coalesce($3, gpu_type), gpu_model = $4,
                         price_per_hour = coalesce(${priceOfRateSql('$6')}, $5::numeric),
                         rate = coalesce($6::numeric, ${rateOfPriceSql('$5::numeric')}), fee_bps = $9, phase = 'placed',
                         event_count = event_count + 1, updated_at = clock_timestamp()
        where job_id = $1 and status = 'pending'
       ${counted}
     ), ${tellSql(eventOf('placed', '$7', '$8'))}
     select wallet from told`,
    [
      ...[jobId, providerId, gpuType ?? null, gpuModel ?? null, pricePerHour, rate ?? null],
      ...[text, JSON.stringify(data), feeBps],
    ],
  );
}

/**
 * Returns a job to waiting for capacity after its machine failed to start it; the message tells its customer why. That
 * is no event: the next placement is, or the end.
 */
export async function markMoving(db: Queryable, jobId: string, message: Printable): Promise<void> {
  await db.query(
    `update jobs set status = 'pending', provider_id = null, gpu_model = null, price_per_hour = null, rate = null,
                     fee_bps = null, message = $2, phase = 'ordered', updated_at = clock_timestamp()
      where job_id = $1 and status in ('pending', 'provisioning')`,
    [jobId, message],
  );
}

export async function markRunning(
  db: Queryable,
  jobId: string,
  running: { ssh: SshAccess; podUid: string; startedAt: Date; expiresAt: Date },
): Promise<Told> {
  const { ssh, podUid, startedAt, expiresAt } = running;
  const { text, data } = news('ssh_ready', 'SSH answers', { expires_at: expiresAt.toISOString() });
  return await change(
    db,
    `with changed as (
       update jobs j set status = 'running', message = '', ssh_host = $2, ssh_port = $3, ssh_host_key = $4, pod_uid = $5,
                         opened_ports = $10, started_at = $6, expires_at = $7, phase = 'ssh_ready', event_count = event_count + 1,
                         updated_at = clock_timestamp()
        where job_id = $1 and status in ('pending', 'provisioning')
       ${counted}
     ), ${tellSql(eventOf('ssh_ready', '$8', '$9'))}
     select wallet from told`,
    [
      ...[jobId, ssh.host, ssh.port, ssh.hostKey ?? null, podUid, startedAt, expiresAt, text, JSON.stringify(data)],
      ssh.opened === undefined ? null : JSON.stringify(ssh.opened),
    ],
  );
}

/**
 * Extends a running job by what its charges say. Its order's charge must be locked, and the extension's one written: the
 * expiry is worked out from all of them, and only moved where a version up to 0.1.0 wrote one without its seconds.
 *
 * @throws BrokerError `job_ended`
 */
export async function markExtended(tx: Queryable, jobId: string, seconds: number): Promise<Date> {
  const { rows } = await tx.query<{ expires_at: Date }>(
    `with changed as (
       update jobs j set expires_at = case when paid.is_whole
                                           then started_at + make_interval(secs => duration_s + paid.seconds)
                                           else expires_at + make_interval(secs => $2) end,
                         event_count = event_count + 1, updated_at = clock_timestamp()
         from (select sum(seconds) as seconds, bool_and(seconds is not null) as is_whole
                 from auth_charges where job_id = $1 and request_id <> '') paid
        where job_id = $1 and status = 'running'
       ${counted}, j.expires_at
     ), ${tellSql({
       kind: `'extended'`,
       text: '$3::text',
       data: `jsonb_build_object('seconds', $2::integer,
                                 'expires_at', to_char(expires_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
     })}
     select expires_at from changed`,
    [jobId, seconds, `extended by ${inWords(seconds)}`],
  );
  if (rows[0] === undefined) throw new BrokerError('job_ended', 'the job has ended');
  return rows[0].expires_at;
}

/** What the customer of a running job is told about its provider: that it is away, or '' while it serves. */
export interface Service {
  message: Printable | '';
  /** Since when it has been away. Versions up to 0.1.0 do not say. */
  awaySince?: Date | undefined;
  /** How long the absences lasted that are over now, in seconds. */
  missedS: number;
}

/** A machine that comes and goes on purpose fills the events of its jobs no further than this. */
export const maxEventsWithAbsences = 5_000;

/** Sets the message that the customer of a running job sees. An absence and its end are events; a new wording is none. */
export async function markService(db: Queryable, jobId: string, service: Service): Promise<Told> {
  const { message, awaySince, missedS } = service;
  const event =
    message === ''
      ? news('provider_back', 'the provider is back', missedS === 0 ? {} : { seconds: missedS })
      : news('provider_away', message, { since: awaySince?.toISOString() });
  return await change(
    db,
    `with was as materialized (
       select job_id, (message = '') <> ($2 = '') and event_count < $7::integer as is_news
         from jobs where job_id = $1 and status = 'running' for update
     ), changed as (
       update jobs j set message = $2, away_since = $3, phase = case when $2 = '' then 'ssh_ready' else 'provider_away' end,
                         event_count = event_count + was.is_news::integer, updated_at = clock_timestamp()
         from was where j.job_id = was.job_id
       ${counted}, was.is_news
     ), ${tellSql({ kind: '$4::text', text: '$5::text', data: '$6::jsonb' }, 'changed where is_news')}
     select wallet from told`,
    [
      ...[jobId, message, awaySince ?? null],
      ...[event.kind, event.text, JSON.stringify(event.data), maxEventsWithAbsences],
    ],
  );
}

export async function markEnding(db: Queryable, jobId: string, message: Printable): Promise<Told> {
  return await change(
    db,
    `with was as materialized (
       select job_id, status <> 'ending' as is_news from jobs where job_id = $1 and ended_at is null for update
     ), changed as (
       update jobs j set status = 'ending', message = $2, phase = 'ending',
                         event_count = event_count + was.is_news::integer, updated_at = clock_timestamp()
         from was where j.job_id = was.job_id
       ${counted}, was.is_news
     ), ${tellSql(eventOf('ending', '$2', `'{}'`), 'changed where is_news')}
     select wallet from told`,
    [jobId, message],
  );
}

/** The final values of an ended job's row. */
export interface JobOutcome {
  status: FinalJobStatus;
  message: Printable;
  endedBy?: JobEnder | undefined;
  failure?: JobFailure;
  /** Of the main program, if the job ended with it. */
  exitCode?: number | undefined;
  billed?: Pick<BilledTime, 'servedUntilMs' | 'billedMs'>;
}

/** Closes a job and deletes its variables, its program and its login at a registry, which are secret. Its event is the job's last one. */
export async function markEnded(db: Queryable, jobId: string, outcome: JobOutcome): Promise<Told> {
  const { status, message, endedBy, failure, exitCode, billed } = outcome;
  const reason: ErrorCode | null = failure?.reason ?? null;
  const { text, data }: JobNews = news('ended', message === '' ? status : message, {
    status,
    failure_reason: failure?.reason,
    ended_by: endedBy,
    exit_code: exitCode,
  });
  return await change(
    db,
    `with changed as (
       update jobs j set status = $2, message = $3, failure_reason = $4, failure_message = $5, failure_cause = $6,
                         failure_words = $9, ended_by = $10, env = '{}', registry_auth = null,
                         program = null, program_exit_code = $13, away_since = null, phase = 'ended',
                         served_until = case when started_at is not null then $7::timestamptz(3) end, billed_ms = $8,
                         event_count = event_count + 1, ended_at = clock_timestamp(), updated_at = clock_timestamp()
        where job_id = $1 and ended_at is null
       ${counted}
     ), ${tellSql(eventOf('ended', '$11', '$12'))}
     select wallet from told`,
    [
      jobId,
      status,
      message,
      reason,
      failure?.message ?? null,
      failure?.cause ?? null,
      billed === undefined ? null : new Date(billed.servedUntilMs),
      billed?.billedMs ?? null,
      failure?.words ?? null,
      endedBy ?? null,
      text,
      JSON.stringify(data),
      exitCode ?? null,
    ],
  );
}

/** Writes down what a job is billed that has ended without it. */
export async function recordBilled(
  tx: Queryable,
  jobId: string,
  { servedUntilMs, billedMs }: Pick<BilledTime, 'servedUntilMs' | 'billedMs'>,
): Promise<void> {
  await tx.query(
    `update jobs set billed_ms = $2, served_until = case when started_at is not null then $3::timestamptz(3) end
      where job_id = $1 and ended_at is not null and billed_ms is null`,
    [jobId, billedMs, new Date(servedUntilMs)],
  );
}

/** Names a job anew; `null` takes its name away. @returns whether the wallet has this job. */
export async function renameJob(db: Queryable, wallet: string, jobId: string, name: string | null): Promise<boolean> {
  const { rowCount } = await db.query('update jobs set job_name = $3 where job_id = $1 and wallet = $2', [
    jobId,
    wallet,
    name,
  ]);
  return rowCount === 1;
}

async function change(db: Queryable, statement: string, values: unknown[]): Promise<Told> {
  const { rows } = await db.query<{ wallet: string }>(prepared(statement), values);
  return rows[0]?.wallet;
}
