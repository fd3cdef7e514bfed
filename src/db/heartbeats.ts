import type { Telemetry } from '../domain/heartbeat.js';
import { whyNotServing } from '../domain/provider.js';
import { storableJson } from './json.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

/** A provider's newest heartbeat in a batch. */
export interface Beat {
  providerId: string;
  /** When it reached the stream, in ms since 1970. */
  atMs: number;
  telemetry: Telemetry;
}

/**
 * Records when providers were last heard, in one statement for any number of them. The time never moves backwards, in
 * whatever order batches arrive, and unregistered providers are skipped. Rows are locked in the order of their ids, so
 * two relays with the same providers wait for each other instead of deadlocking.
 *
 * @param beats at most one per provider.
 * @returns how many providers have a newer time now.
 */
export async function recordHeartbeats(db: Queryable, beats: readonly Beat[]): Promise<number> {
  if (beats.length === 0) return 0;
  const { rowCount } = await db.query(
    prepared(`with beat as materialized (
             select provider_id, to_timestamp(at_ms / 1000) as at, telemetry
               from rows from (unnest($1::text[]), unnest($2::float8[]), jsonb_array_elements($3::jsonb))
                 as t (provider_id, at_ms, telemetry)
           ), heard as materialized (
             select h.provider_id
               from provider_heartbeats h join beat b using (provider_id)
              where h.last_heartbeat is null or h.last_heartbeat < b.at
              order by h.provider_id
                for no key update of h
           )
           update provider_heartbeats h set last_heartbeat = b.at, telemetry = b.telemetry
             from heard join beat b using (provider_id)
            where h.provider_id = heard.provider_id`),
    [
      beats.map(({ providerId }) => providerId),
      beats.map(({ atMs }) => atMs),
      // One text: in an array of texts, each would be escaped again, which costs as much as everything else.
      storableJson(beats.map(({ telemetry }) => telemetry)),
    ],
  );
  return rowCount ?? 0;
}

/** A provider that went silent or came back, and whose workflow has not been signalled yet. */
export interface HeartbeatTransition {
  providerId: string;
  alive: boolean;
  /** The last heartbeat at the time of the transition. */
  at: Date;
}

/** How many transitions one sweep handles; the next one finds the rest. */
const transitionsPerSweep = 1_000;

/**
 * Finds the providers in service that went silent or came back. Only their rows are written, and each sweep returns
 * them again until `markSignalled`. A row locked elsewhere is left to the next sweep. The same statement takes a silent
 * provider out of service before its workflow is signalled, so that nothing more is placed there.
 *
 * @param timeoutS the silence after which a provider is lost.
 * @param heardUntil the time up to which heartbeats have been read. A provider is not silent because of unread
 *   heartbeats, and while the time is unknown (null), none is found silent. Returns are measured by the clock, so a
 *   backlog revives nobody.
 */
export async function sweepHeartbeats(
  db: Queryable,
  timeoutS: number,
  heardUntil: Date | null = new Date(),
): Promise<HeartbeatTransition[]> {
  const { rows } = await db.query<{ provider_id: string; alive: boolean; at: Date }>(
    prepared(`with witness as materialized (
             select p.provider_id, p.heartbeat_alive, p.heartbeat_signalled,
                    coalesce(h.last_heartbeat, p.joined_at) as at,
                    case when h.last_heartbeat > now() - make_interval(secs => $1) then true
                         when coalesce(h.last_heartbeat, p.joined_at)
                                <= least(now(), $3::timestamptz) - make_interval(secs => $1)
                              and $3::timestamptz is not null then false
                         else p.heartbeat_alive end as alive
               from providers p left join provider_heartbeats h using (provider_id)
              where p.joined_at is not null
           ), changing as materialized (
             select w.provider_id, w.alive, w.at
               from witness w join providers p using (provider_id)
              where w.alive <> w.heartbeat_alive and p.heartbeat_alive <> w.alive
              order by w.provider_id limit $2
                for no key update of p skip locked
           ), changed as (
             update providers p
                set heartbeat_alive = c.alive, heartbeat_signalled = false, updated_at = now(),
                    status = case when not c.alive and p.status in ('available', 'joined') then 'offline' else p.status end,
                    status_reason = case when not c.alive and p.status in ('available', 'joined') then $4
                                         else p.status_reason end
               from changing c
              where p.provider_id = c.provider_id
             returning p.provider_id, c.alive, c.at
           )
           (select provider_id, alive, at from changed)
           union all
           (select provider_id, alive, at from witness
             where not heartbeat_signalled and alive = heartbeat_alive
             order by provider_id limit $2)`),
    [
      timeoutS,
      transitionsPerSweep,
      heardUntil,
      whyNotServing({ nodeReady: true, heartbeatAlive: false, gpusReady: true }),
    ],
  );
  return rows.map((row) => ({ providerId: row.provider_id, alive: row.alive, at: row.at }));
}

/** Records that a provider's workflow was signalled, unless the provider has changed again since. */
export async function markSignalled(db: Queryable, providerId: string, alive: boolean): Promise<void> {
  await db.query(
    `update providers set heartbeat_signalled = true
      where provider_id = $1 and heartbeat_alive = $2 and not heartbeat_signalled`,
    [providerId, alive],
  );
}
