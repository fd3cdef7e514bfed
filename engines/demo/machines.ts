import type { Machine } from '../simulated-provider/machine.js';

/** The machines of the demo: cheap and dear, small and large, in several places. */
export const machines = [
  {
    providerId: 'demo-atlas',
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 },
    gpuPricePerHour: 0.45,
    region: 'kr-seoul',
  },
  {
    providerId: 'demo-borealis',
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
    gpuPricePerHour: 0.5,
    region: 'fi-helsinki',
  },
  {
    providerId: 'demo-cirrus',
    gpus: { model: 'NVIDIA A100-SXM4-80GB', count: 8, memoryMb: 81_920 },
    gpuPricePerHour: 1.8,
    region: 'de-frankfurt',
  },
  {
    providerId: 'demo-dorado',
    gpus: { model: 'NVIDIA H100 80GB HBM3', count: 8, memoryMb: 81_559 },
    gpuPricePerHour: 2.9,
    region: 'us-east',
  },
  {
    providerId: 'demo-ember',
    gpus: { model: 'NVIDIA L40S', count: 4, memoryMb: 46_068 },
    gpuPricePerHour: 0.95,
    region: 'nl-amsterdam',
  },
  {
    providerId: 'demo-fjord',
    gpus: { model: 'NVIDIA L4', count: 2, memoryMb: 23_034 },
    gpuPricePerHour: 0.3,
    region: 'no-oslo',
  },
] satisfies (Partial<Machine> & { providerId: string })[];

/** `--lively`: the one that goes and comes, and that nobody rents then. */
export const restless = 'demo-fjord';

/** How busy a machine looks: something between idle and full, different each time. */
export function madeUpUsage(gpuCount: number): () => { gpus: number[]; cpu: number; memory: number } {
  let level = Math.random();
  return () => {
    level = Math.min(1, Math.max(0, level + (Math.random() - 0.5) * 0.3));
    const around = (share: number) => Math.round(100 * Math.min(1, Math.max(0, share + (Math.random() - 0.5) * 0.1)));
    return {
      gpus: Array.from({ length: gpuCount }, (_, index) => (index / gpuCount < level ? around(0.92) : 0)),
      cpu: around(0.1 + level * 0.5),
      memory: around(0.15 + level * 0.6),
    };
  };
}
