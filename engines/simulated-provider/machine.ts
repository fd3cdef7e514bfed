import { createHash } from 'node:crypto';

/** A simulated provider's hardware and offer. */
export interface Machine {
  providerId: string;
  /** `0x…`, the address that is paid. */
  wallet: string;
  gpus: { model: string; count: number; memoryMb?: number };
  cpuCores: number;
  memoryMb: number;
  diskGb: number;
  gpuPricePerHour: number;
  /** The machine's reported address, used as its node's InternalIP. */
  address: string;
  /** Where it stands, in its owner's word. */
  region?: string;
  /** What its heartbeats say; 0 everywhere by default. */
  usage?: () => Usage;
  /** The public key to seal its answers for. */
  encKey?: string;
}

/** How busy a machine is, in percent. */
export interface Usage {
  /** One per GPU. */
  gpus: number[];
  cpu: number;
  memory: number;
}

/** A machine with four GPUs, with the given overrides. */
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

/** An address in the benchmarking range (198.18.0.0/15), always the same for one machine: nothing answers there. */
function madeUpAddress(providerId: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(providerId).digest();
  return `198.${18 + (a & 1)}.${b}.${c}`;
}
