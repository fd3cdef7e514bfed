import type { V1EnvVar } from '@kubernetes/client-node';
import { jobObjectName, sharedMemoryMb, type JobOrder, type Placement } from '../../domain/job.js';

/**
 * The number of threads that numeric libraries start by default. Otherwise they start one per core of the machine, many
 * times what was ordered, and all of them wait for each other. GOMAXPROCS is not needed: Go respects the limit itself.
 */
const threadVariables = [
  'OMP_NUM_THREADS',
  'MKL_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'RAYON_NUM_THREADS',
];

/**
 * The variables of a job's container: facts about the rental, defaults by its size, and the customer's own, which win.
 * No value contains a provider's text, because Kubernetes expands `$(…)` in values; the customer's values come from the
 * Secret and are not expanded.
 *
 * @param chosen the names of the customer's variables.
 */
export function jobEnvironment(order: JobOrder, placement: Placement, chosen: readonly string[]): V1EnvVar[] {
  const gpuType = placement.gpuType ?? order.gpuType;
  const values: Record<string, string | number> = {
    ...Object.fromEntries(threadVariables.map((name) => [name, order.cpuCores])),
    WORLDLAND_JOB_ID: order.jobId,
    WORLDLAND_PROVIDER_ID: placement.providerId,
    WORLDLAND_GPU_COUNT: order.gpuCount,
    ...(order.gpuCount === 0 || gpuType === undefined ? {} : { WORLDLAND_GPU_TYPE: gpuType }),
    WORLDLAND_CPU_CORES: order.cpuCores,
    WORLDLAND_MEMORY_MB: order.memoryMb,
    WORLDLAND_SHM_MB: sharedMemoryMb(order),
    WORLDLAND_STORAGE_GB: order.storageGb,
    // CUDA images request all GPUs of the machine by themselves; a job without GPUs must get none.
    ...(order.gpuCount === 0 ? { NVIDIA_VISIBLE_DEVICES: 'none' } : {}),
  };
  return [
    ...Object.entries(values)
      .filter(([name]) => !chosen.includes(name))
      .map(([name, value]) => ({ name, value: String(value) })),
    ...chosen.map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: jobObjectName(order.jobId), key: environmentKey(name) } },
    })),
  ];
}

/** The entry of a job's Secret for one of the customer's variables. */
export function environmentKey(variable: string): string {
  return `env.${variable}`;
}
