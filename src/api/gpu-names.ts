import { findJobByKey } from '../db/jobs.js';
import { freeCapacity, type FreeGpus } from '../db/candidates.js';
import { registeredGpuTypes } from '../db/gpu-types.js';
import type { Queryable } from '../db/pool.js';
import type { SitePrices } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { gpuTypesMeant, nearestGpuNames } from '../domain/gpu-near.js';
import { validationFailed } from './problem.js';

/** Types nearest to one that was asked for; for a name that nobody ever heard of, those that may have been meant. */
export async function gpusNear(db: Queryable, gpuType: string): Promise<string[]> {
  const registered = await registeredGpuTypes(db);
  const { near, isKnown } = gpuTypesMeant(gpuType, registered);
  return isKnown ? near : nearestGpuNames(gpuType, registered);
}

/** What helps a customer who got no GPU: the types that are near, and what is free of them and of the one asked for. */
export async function insteadOf(
  db: Queryable,
  gpuType: string | undefined,
  site: SitePrices,
): Promise<{ near?: string[]; free: FreeGpus[] }> {
  if (gpuType === undefined) return { free: await freeCapacity(db, {}, site) };
  const { keys, near } = gpuTypesMeant(gpuType, await registeredGpuTypes(db));
  return { near, free: await freeCapacity(db, { gpuTypes: [...keys, ...near] }, site) };
}

/**
 * Refuses an order for a GPU that nobody ever heard of, before anything is written: no provider that joins later would
 * ever be what was meant. A repeat of an order that was taken is answered as that one was.
 *
 * @throws BrokerError `validation_failed`, with the nearest names.
 */
export async function requireKnownGpu(
  db: Queryable,
  gpuType: string | undefined,
  { wallet, idempotencyKey }: { wallet: string; idempotencyKey: string | undefined },
): Promise<void> {
  if (gpuType === undefined) return;
  const registered = await registeredGpuTypes(db);
  if (gpuTypesMeant(gpuType, registered).isKnown) return;
  if (idempotencyKey !== undefined && (await findJobByKey(db, wallet, idempotencyKey)) !== undefined) return;
  const near = nearestGpuNames(gpuType, registered);
  const guess = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  const refusal = validationFailed([{ field: 'gpu_type', message: `is no GPU that is known here${guess}` }]);
  throw new BrokerError(refusal.code, refusal.detail, { ...refusal.extra, near });
}
