import type { GpuReading } from './gpu-reading.js';
import type { Gpu } from './messages.js';
import type { Finished } from './program.js';

/** Runs `nvidia-smi`; undefined when it cannot be run or does not answer. */
export type AskDriver = (args: string[]) => Promise<Finished | undefined>;

type Found = Pick<GpuReading, 'gpus' | 'usage' | 'problems'> & { failed: boolean };

/**
 * Creates a function that replaces each partitioned GPU (MIG) by its partitions, since a customer rents one partition
 * and gets no more. Older drivers do not know MIG and most cards do not support it; those are queried only once.
 */
export function createPartitionReader(ask: AskDriver): (found: Omit<Found, 'failed'>) => Promise<Found> {
  let divided: ReadonlySet<string> = new Set();
  /** The cards and driver versions known not to support MIG; while they are the same, they are not queried again. */
  let indivisible = '';
  return async ({ gpus, usage, problems }) => {
    const machine = gpus.map(({ uuid, driverVersion }) => `${uuid} ${driverVersion}`).join();
    const whole = { gpus, usage, problems, failed: false };
    if (gpus.length === 0 || machine === indivisible) return whole;
    const modes = await ask(['--query-gpu=uuid,mig.mode.current', '--format=csv,noheader']);
    const said = modes === undefined ? '' : modes.stdout + modes.stderr;
    const isUnknown = /not a valid field/i.test(said);
    // A momentary driver failure does not mean that MIG was turned off, so the last known state stays.
    if (isUnknown || (modes?.code === 0 && /^GPU-/m.test(said))) {
      divided = new Set(dividedIn(said));
      if (!/enabled|disabled/i.test(said)) indivisible = machine;
    }
    if (!gpus.some(({ uuid }) => divided.has(uuid))) return whole;
    const listed = await ask(['-L']);
    if (listed === undefined || listed.code !== 0) {
      return { gpus: [], usage: [], problems: [...problems, 'nvidia-smi -L failed'], failed: true };
    }
    return { ...withParts(whole, divided, parsePartitions(listed.stdout)), failed: false };
  };
}

/** A MIG partition as the driver lists it. */
interface Part {
  /** `1g.5gb`, `3g.40gb+me`. */
  profile: string;
  uuid: string;
}

function dividedIn(text: string): string[] {
  return [...text.matchAll(/^(GPU-[\w-]+), *Enabled/gim)].map(([, uuid]) => uuid!);
}

/** Parses the output of `nvidia-smi -L`: the partitions of each GPU, by the GPU's uuid. */
export function parsePartitions(text: string): Map<string, Part[]> {
  const parts = new Map<string, Part[]>();
  let current: Part[] = [];
  for (const line of text.split('\n')) {
    const card = /^GPU \d+: .*\(UUID: (GPU-[\w-]+)\)/.exec(line);
    const part = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[\w/-]+)\)/.exec(line);
    if (card !== null) parts.set(card[1]!, (current = []));
    else if (part !== null) current.push({ profile: part[1]!.slice(0, 32), uuid: part[2]!.slice(0, 128) });
  }
  return parts;
}

function withParts(
  { gpus, usage, problems }: Omit<Found, 'failed'>,
  divided: ReadonlySet<string>,
  parts: ReadonlyMap<string, readonly Part[]>,
): Omit<Found, 'failed'> {
  const found: { gpu: Gpu; usage: number }[] = [];
  const more: string[] = [];
  gpus.forEach((gpu, at) => {
    if (!divided.has(gpu.uuid)) return void found.push({ gpu, usage: usage[at] ?? 0 });
    const its = parts.get(gpu.uuid) ?? [];
    if (its.length === 0) more.push(`GPU ${gpu.index} has MIG enabled but no partitions: it is not offered`);
    for (const { profile, uuid } of its) {
      const memoryGb = /^[1-9]g\.(\d{1,3})gb/.exec(profile)?.[1];
      if (memoryGb === undefined) more.push(`GPU ${gpu.index}: MIG ${profile} shares its memory and is not offered`);
      // The driver does not report a partition's utilization.
      else found.push({ gpu: { ...gpu, ...partOf(gpu, profile), memoryMb: Number(memoryGb) * 1024, uuid }, usage: 0 });
    }
  });
  return {
    gpus: found.map(({ gpu }) => gpu),
    usage: found.map((each) => each.usage),
    problems: [...problems, ...more],
  };
}

/** Names a partition after its card, so that it can have its own price. The broker cuts names at 128 characters. */
function partOf({ name }: Gpu, profile: string): Pick<Gpu, 'name'> {
  const part = ` MIG ${profile}`;
  return { name: name.slice(0, 128 - part.length) + part };
}
