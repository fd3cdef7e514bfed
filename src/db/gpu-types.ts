import { gpuTypesMeant, type RegisteredGpuType } from '../domain/gpu-near.js';
import type { Queryable } from './pool.js';

/** Every type that a provider has, or had: names are few where rows are many, so each is looked up once in the index. */
export async function registeredGpuTypes(db: Queryable): Promise<RegisteredGpuType[]> {
  const next = (after: string) =>
    `select name, vram_gb from provider_resources where kind = 'gpu' ${after} order by name limit 1`;
  const { rows } = await db.query<{ name: string; vram_gb: number | null }>(
    `with recursive types as (
       (${next('')})
       union all
       select n.* from types t, lateral (${next('and name > t.name')}) n
     )
     select name, vram_gb from types`,
  );
  return rows.map(({ name, vram_gb }) => ({ key: name, ...(vram_gb === null ? {} : { vramGb: vram_gb }) }));
}

/** The types that a name stands for, as parameters of `isTypeSql`. */
export type GpuTypeParameters = [names: string[] | null, certain: string[] | null, vramGb: number | null];

/** Names are matched here and not by the database, which finds what is left of them by its index. */
export async function gpuTypeParameters(db: Queryable, gpuType: string | undefined): Promise<GpuTypeParameters> {
  if (gpuType === undefined) return [null, null, null];
  const { keys, certain, vramGb } = gpuTypesMeant(gpuType, await registeredGpuTypes(db));
  return [keys, certain, vramGb ?? null];
}

/** Whether the resource `row` is one of those types. */
export const isTypeSql = (row: string, names: string, certain: string, vramGb: string): string =>
  `(${names}::text[] is null or (${row}.name = any (${names}::text[])
    and (${vramGb}::int is null or ${row}.name = any (${certain}::text[]) or ${row}.vram_gb = ${vramGb}::int)))`;

/** Whether the resource `row` has as much memory, and runs as new a CUDA; what is not known is not enough. */
export const isEnoughSql = (row: string, minVramGb: string, minCuda: string): string =>
  `((${minVramGb}::numeric is null or ${row}.vram_gb >= ${minVramGb}::numeric)
    and (${minCuda}::int is null or ${row}.cuda >= ${minCuda}::int))`;
