import type { GpuReading } from './gpus.js';
import type { Gpu } from './messages.js';
import type { Finished } from './program.js';

/** Runs `nvidia-smi`; undefined where it cannot be run, or did not answer. */
export type AskDriver = (args: string[]) => Promise<Finished | undefined>;

type Found = Pick<GpuReading, 'gpus' | 'usage' | 'problems'> & { failed: boolean };

/**
 * Makes a function that puts the parts of a GPU (MIG) in its place: who rents one gets no more than that. Older drivers know
 * nothing of parts, and most cards cannot be divided: these are asked once.
 */
export function createPartitionReader(ask: AskDriver): (found: Omit<Found, 'failed'>) => Promise<Found> {
  let divided: ReadonlySet<string> = new Set();
  /** By what is not asked again: the same cards with the same driver. */
  let indivisible = '';
  return async ({ gpus, usage, problems }) => {
    const machine = gpus.map(({ uuid, driverVersion }) => `${uuid} ${driverVersion}`).join();
    const whole = { gpus, usage, problems, failed: false };
    if (gpus.length === 0 || machine === indivisible) return whole;
    const modes = await ask(['--query-gpu=uuid,mig.mode.current', '--format=csv,noheader']);
    const said = modes === undefined ? '' : modes.stdout + modes.stderr;
    const isUnknown = /not a valid field/i.test(said);
    // A driver that fails for a moment does not make cards whole again.
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

/** A part of a GPU as the driver lists it. */
interface Part {
  /** `1g.5gb`, `3g.40gb+me`. */
  profile: string;
  uuid: string;
}

function dividedIn(text: string): string[] {
  return [...text.matchAll(/^(GPU-[\w-]+), *Enabled/gim)].map(([, uuid]) => uuid!);
}

/** Reads what `nvidia-smi -L` prints: the parts of each GPU, by its uuid. */
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
    if (its.length === 0) more.push(`GPU ${gpu.index} is divided (MIG) and has no parts: it is not offered`);
    for (const { profile, uuid } of its) {
      const memoryGb = /^[1-9]g\.(\d{1,3})gb/.exec(profile)?.[1];
      if (memoryGb === undefined) more.push(`GPU ${gpu.index}: a MIG ${profile} shares its memory, and is not offered`);
      // Nobody tells how busy a part is.
      else found.push({ gpu: { ...gpu, ...partOf(gpu, profile), memoryMb: Number(memoryGb) * 1024, uuid }, usage: 0 });
    }
  });
  return {
    gpus: found.map(({ gpu }) => gpu),
    usage: found.map((each) => each.usage),
    problems: [...problems, ...more],
  };
}

/** With the card in its name, by which it has a price of its own; cut where the broker cuts. */
function partOf({ name }: Gpu, profile: string): Pick<Gpu, 'name'> {
  const part = ` MIG ${profile}`;
  return { name: name.slice(0, 128 - part.length) + part };
}
