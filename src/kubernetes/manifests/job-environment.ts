import type { V1EnvVar } from '@kubernetes/client-node';
import { jobObjectName, sharedMemoryMb, type JobOrder, type Placement } from '../../domain/job.js';

/**
 * How many threads numeric libraries start where nobody says: one for each core of the machine, which is many times what
 * was ordered, and then all of them wait for each other. Not among them is GOMAXPROCS: Go goes by the limit itself.
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
 * The variables of a job's container: what was rented, defaults by its size, and what the customer chose, which wins.
 * No text of a provider's is among the values, since Kubernetes expands `$(…)` in them; those of the customer come from
 * the Secret and are taken as they are.
 *
 * @param chosen names of the customer's variables.
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
    // Images made for CUDA ask for all GPUs of the machine; a job without GPUs must get none.
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

/** The entry of a job's Secret that holds one of the customer's variables. */
export function environmentKey(variable: string): string {
  return `env.${variable}`;
}
