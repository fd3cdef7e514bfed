import type { Queryable } from './pool.js';
import { removeOld } from './pruning.js';

/**
 * Figures come from strangers' machines: a percentage above 100 is none, and what is no number is 0. `telemetry` of old
 * rows may lack any of them.
 */
const percentSql = (value: string): string =>
  `case when jsonb_typeof(${value}) = 'number' then least(100, greatest(0, (${value})::numeric))::real else 0 end`;

/** The mean of its GPUs; null without any. */
const meanGpuSql = `
  (select avg(${percentSql('one')})::real
     from jsonb_array_elements(case when jsonb_typeof(h.telemetry -> 'gpu_usage') = 'array'
                                    then h.telemetry -> 'gpu_usage' else '[]' end) one)`;

/**
 * Notes how busy each provider was by its last heartbeat, as the sample of this slot; who was not heard within the slot
 * has none.
 *
 * @param slotS the length of a slot, in seconds.
 */
export async function noteSamples(db: Queryable, slotS: number): Promise<number> {
  const { rowCount } = await db.query(
    `insert into provider_samples (provider_id, at, gpu, cpu, memory, rented_gpus)
     select p.provider_id, date_bin(make_interval(secs => $1), now(), 'epoch'), ${meanGpuSql},
            ${percentSql(`h.telemetry -> 'cpu_usage'`)}, ${percentSql(`h.telemetry -> 'memory_usage'`)},
            (select coalesce(sum(rented), 0) from provider_resources r where r.provider_id = p.provider_id and r.kind = 'gpu')
       from providers p join provider_heartbeats h using (provider_id)
      where h.last_heartbeat > now() - make_interval(secs => $1) and h.telemetry is not null
        and p.joined_at is not null and p.status <> 'retired'
     on conflict (provider_id, at) do nothing`,
    [slotS],
  );
  return rowCount ?? 0;
}

/** Samples by column, oldest first; null where there is no sample. */
export interface UsageSeries {
  from: Date;
  stepS: number;
  gpu: (number | null)[];
  cpu: (number | null)[];
  memory: (number | null)[];
  rentedGpus: (number | null)[];
}

/** A provider's samples until now, averaged over steps. */
export async function usageSeries(
  db: Queryable,
  providerId: string,
  { steps, stepS }: { steps: number; stepS: number },
): Promise<UsageSeries> {
  const { rows } = await db.query<{
    first: Date;
    gpu: (number | null)[];
    cpu: (number | null)[];
    memory: (number | null)[];
    rented: (number | null)[];
  }>(
    `with last as (
       select date_bin(make_interval(secs => $3), now(), 'epoch') as at
     ), step as (
       select last.at - make_interval(secs => $3 * back) as at from last, generate_series(0, $2::int - 1) back
     ), sampled as (
       select date_bin(make_interval(secs => $3), s.at, 'epoch') as at, avg(gpu) as gpu, avg(cpu) as cpu,
              avg(memory) as memory, avg(rented_gpus) as rented
         from provider_samples s, last
        where s.provider_id = $1 and s.at > last.at - make_interval(secs => $3 * $2::int)
        group by 1
     )
     select min(step.at) as first,
            array_agg(round(gpu::numeric, 1)::float8 order by step.at) as gpu,
            array_agg(round(cpu::numeric, 1)::float8 order by step.at) as cpu,
            array_agg(round(memory::numeric, 1)::float8 order by step.at) as memory,
            array_agg(round(rented, 2)::float8 order by step.at) as rented
       from step left join sampled using (at)`,
    [providerId, steps, stepS],
  );
  const { first, gpu, cpu, memory, rented } = rows[0]!;
  return { from: first, stepS, gpu, cpu, memory, rentedGpus: rented };
}

/** Deletes samples from before `before`. @returns how many. */
export async function pruneSamples(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_samples where (provider_id, at) in
       (select provider_id, at from provider_samples where at < $1 order by at limit $2)`,
    before,
  );
}
