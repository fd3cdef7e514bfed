import { findJobByKey } from '../db/jobs.js';
import { freeCapacity, type FreeGpus } from '../db/candidates.js';
import { presentGpuTypes, registeredGpuTypes } from '../db/gpu-types.js';
import type { Queryable } from '../db/pool.js';
import type { SitePrices } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { gpuTypesMeant, nearestGpuNames } from '../domain/gpu-near.js';
import { gpuNameOf } from '../domain/why-not.js';
import { validationFailed } from './problem.js';

/** How many types a refusal names: those that most providers have. */
const maxTypesNamed = 12;

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
 * @throws BrokerError `validation_failed`, with the nearest names and the types there are.
 */
export async function requireKnownGpu(
  db: Queryable,
  gpuType: string | undefined,
  { wallet, idempotencyKey }: { wallet: string; idempotencyKey: string | undefined },
): Promise<void> {
  const refusal = await unknownGpu(db, gpuType, 'gpu_type');
  if (refusal === undefined) return;
  if (idempotencyKey !== undefined && (await findJobByKey(db, wallet, idempotencyKey)) !== undefined) return;
  throw refusal;
}

/** The same for a question about a GPU. `field` is where its name was given. */
export async function requireKnownType(db: Queryable, gpuType: string | undefined, field: string): Promise<void> {
  const refusal = await unknownGpu(db, gpuType, field);
  if (refusal !== undefined) throw refusal;
}

async function unknownGpu(db: Queryable, gpuType: string | undefined, field: string): Promise<BrokerError | undefined> {
  if (gpuType === undefined) return undefined;
  const registered = await registeredGpuTypes(db);
  if (gpuTypesMeant(gpuType, registered).isKnown) return undefined;
  const [near, types] = [nearestGpuNames(gpuType, registered), await presentGpuTypes(db, maxTypesNamed)];
  const guess = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  const here = types.length === 0 ? '' : `; here are ${types.map(gpuNameOf).join(', ')}`;
  const refusal = validationFailed([{ field, message: `is no GPU that is known here${guess || here}` }]);
  return new BrokerError(refusal.code, refusal.detail + here, { ...refusal.extra, near, gpu_types: types });
}
