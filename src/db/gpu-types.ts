import { gpuTypesMeant, type RegisteredGpuType } from '../domain/gpu-near.js';
import type { Queryable } from './pool.js';

/**
 * All types that any provider has or had. There are few names and many rows, so each name is looked up once in the
 * index.
 */
export async function registeredGpuTypes(db: Queryable): Promise<RegisteredGpuType[]> {
  const { rows } = await db.query<{ name: string; vram_gb: number | null }>(allTypesSql);
  return rows.map(({ name, vram_gb }) => ({ key: name, ...(vram_gb === null ? {} : { vramGb: vram_gb }) }));
}

const nextType = (after: string) =>
  `select name, vram_gb from provider_resources where kind = 'gpu' ${after} order by name limit 1`;
const allTypesSql = `
  with recursive every as (
    (${nextType('')})
    union all
    select n.* from every, lateral (${nextType('and name > every.name')}) n
  )
  select name, vram_gb from every`;

/** The names that a parameter of `gpuTypeParameters` has, or all that there are where it is null. */
export const typeNamesSql = (names: string): string =>
  `select n.name from unnest(${names}::text[]) as n (name)
   union all
   select a.name from (${allTypesSql}) a where ${names}::text[] is null`;

/** The types that some provider has now, those of most providers first. */
export async function presentGpuTypes(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select name from provider_resources where kind = 'gpu' and total > 0
      group by name order by count(*) desc, name limit $1`,
    [limit],
  );
  return rows.map(({ name }) => name);
}

/** The types that a name can mean, as parameters of `isTypeSql`. */
type GpuTypeParameters = [names: string[] | null, certain: string[] | null, vramGb: number | null];

/** Matches a name here; the database then finds the matching types by index. */
export async function gpuTypeParameters(db: Queryable, gpuType: string | undefined): Promise<GpuTypeParameters> {
  if (gpuType === undefined) return [null, null, null];
  const { keys, certain, vramGb } = gpuTypesMeant(gpuType, await registeredGpuTypes(db));
  return [keys, certain, vramGb ?? null];
}

/** Whether the resource `row` is one of those types. */
export const isTypeSql = (row: string, names: string, certain: string, vramGb: string): string =>
  `(${names}::text[] is null or (${row}.name = any (${names}::text[])
    and (${vramGb}::int is null or ${row}.name = any (${certain}::text[]) or ${row}.vram_gb = ${vramGb}::int)))`;

/** Whether the resource `row` has enough memory and a new enough CUDA. Unknown figures do not suffice. */
export const isEnoughSql = (row: string, minVramGb: string, minCuda: string): string =>
  `((${minVramGb}::numeric is null or ${row}.vram_gb >= ${minVramGb}::numeric)
    and (${minCuda}::int is null or ${row}.cuda >= ${minCuda}::int))`;
