import { gpuAvailability, type AvailabilitySearch, type GpuAvailability } from '../../src/db/gpu-availability.js';
import type { Queryable } from '../../src/db/pool.js';
import type { SitePrices } from '../../src/config.js';

/** The GPUs of a fleet that fits on one page. */
export async function freeGpus(
  db: Queryable,
  asked: Omit<AvailabilitySearch, 'limit'>,
  site?: SitePrices,
): Promise<GpuAvailability[]> {
  return (await gpuAvailability(db, { ...asked, limit: 100 }, site)).rows;
}
