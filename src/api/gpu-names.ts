import { findJobByKey } from '../db/jobs.js';
import { freeCapacity, type FreeGpus } from '../db/candidates.js';
import { registeredGpuTypes } from '../db/gpu-types.js';
import type { Queryable } from '../db/pool.js';
import type { SitePrices } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { gpuTypesMeant, nearestGpuNames } from '../domain/gpu-near.js';
import { validationFailed } from './problem.js';

/** The types nearest to the requested one; for an unknown name, those that may have been meant. */
export async function gpusNear(db: Queryable, gpuType: string): Promise<string[]> {
  const registered = await registeredGpuTypes(db);
  const { near, isKnown } = gpuTypesMeant(gpuType, registered);
  return isKnown ? near : nearestGpuNames(gpuType, registered);
}

/** Suggestions for a customer who got no GPU: near types, and how many are free of each and of the requested one. */
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
 * Refuses an order for an unknown GPU before anything is written: no provider that joins later would ever have it. A
 * repeat of an accepted order gets the same response as before.
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
