import { createHash } from 'node:crypto';

/** What a simulated provider is and offers. */
export interface Machine {
  providerId: string;
  /** `0x…`, where earnings go. */
  wallet: string;
  gpus: { model: string; count: number; memoryMb?: number };
  cpuCores: number;
  memoryMb: number;
  diskGb: number;
  gpuPricePerHour: number;
  /** The address the machine says it has, as InternalIP of its node. */
  address: string;
  /** The key for which its answers are to be sealed. */
  encKey?: string;
}

/** A machine with four GPUs, but for what is said to be otherwise. */
export function simulatedMachine(said: Partial<Machine> & { providerId: string }): Machine {
  return {
    wallet: `0x${'1'.repeat(40)}`,
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 },
    cpuCores: 32,
    memoryMb: 131_072,
    diskGb: 1_000,
    gpuPricePerHour: 0.5,
    address: madeUpAddress(said.providerId),
    ...said,
  };
}

/** An address of the range for benchmarks (198.18.0.0/15), always the same for one machine: nothing answers there. */
function madeUpAddress(providerId: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(providerId).digest();
  return `198.${18 + (a & 1)}.${b}.${c}`;
}
