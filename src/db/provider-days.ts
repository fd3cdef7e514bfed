import type { Queryable } from './pool.js';
import { removeOld } from './pruning.js';

/** The days over which a provider's reliability is taken. */
const reliableOverDays = 30;

/**
 * Notes for each provider in service whether it is online, as one slot of the day. Who is out by his owner's command is
 * not noted while he is away, because nobody waits for him. A slot counts once, however often it is noted; a slot in
 * which the broker itself was down counts for nobody.
 *
 * @param slotS the length of a slot, in seconds.
 */
export async function noteOnline(db: Queryable, slotS: number): Promise<number> {
  const { rowCount } = await db.query(
    `insert into provider_days as d (provider_id, day, observed_s, online_s, noted_at)
     select p.provider_id, (slot.at at time zone 'utc')::date, $1, case when online then $1 else 0 end, slot.at
       from providers p,
            lateral (select p.node_ready and p.heartbeat_alive as online) o,
            (select date_bin(make_interval(secs => $1), now(), 'epoch') as at) slot
      where p.joined_at is not null and p.status <> 'retired' and (online or not p.cordoned)
      order by p.provider_id
     on conflict (provider_id, day) do update
       set observed_s = d.observed_s + excluded.observed_s, online_s = d.online_s + excluded.online_s,
           noted_at = excluded.noted_at
       where d.noted_at < excluded.noted_at`,
    [slotS],
  );
  return rowCount ?? 0;
}

/** Counts how jobs ended since the day before began, anew with each run. */
export async function countEndings(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `insert into provider_days as d (provider_id, day, jobs, start_timeouts, losses)
     select provider_id, day, sum(jobs), sum(start_timeouts), sum(losses)
       from (select provider_id, (ended_at at time zone 'utc')::date as day,
                    count(*) filter (where started_at is not null) as jobs, 0 as start_timeouts,
                    count(*) filter (where status = 'provider_lost') as losses
               from jobs where ended_at >= $1 and provider_id is not null group by 1, 2
             union all
             select provider_id, (failed_at at time zone 'utc')::date, 0, count(*), 0
               from provider_failures where failed_at >= $1 and reason = 'start_timeout' group by 1, 2) counted
       join providers using (provider_id)
      group by provider_id, day order by provider_id, day
     on conflict (provider_id, day) do update
       set jobs = excluded.jobs, start_timeouts = excluded.start_timeouts, losses = excluded.losses
       where (d.jobs, d.start_timeouts, d.losses) is distinct from (excluded.jobs, excluded.start_timeouts, excluded.losses)`,
    [startOfYesterday()],
  );
  return rowCount ?? 0;
}

function startOfYesterday(): Date {
  const dayMs = 86_400_000;
  return new Date((Math.floor(Date.now() / dayMs) - 1) * dayMs);
}

/**
 * A lateral join with the reliability of a provider: `online` is the part of the noted time in which it was online, null
 * where none was noted; `lost_jobs` are those that ended because it went away.
 */
export const reliabilitySql = (providerId: string): string =>
  `select sum(online_s)::float8 / nullif(sum(observed_s), 0) as online, coalesce(sum(losses), 0)::int as lost_jobs
     from provider_days
    where provider_id = ${providerId} and day > (now() at time zone 'utc')::date - ${reliableOverDays}`;

/** Deletes days before `before`. @returns how many. */
export async function pruneDays(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_days where (provider_id, day) in
       (select provider_id, day from provider_days where day < ($1::timestamptz at time zone 'utc')::date order by day limit $2)`,
    before,
  );
}
