import { compact, gpuMembers, membersBySpelling, type GpuMember } from './gpu-catalog.js';

/** A parsed GPU name, independent of its spelling. */
export interface GpuName {
  /** A `GpuMember.model`, or the name without separators if the catalogue does not have it. */
  model: string;
  member?: GpuMember;
  /** The form factor, such as `pcie`, `sxm4` or `nvl`, if the name has one. */
  form?: string;
  /** The memory of the whole card, if the name has it. */
  memoryGb?: number;
  /** A MIG partition such as `1g5gb`, which is a different type from the card. */
  slice?: string;
  /** The memory of the partition. */
  sliceGb?: number;
}

/** Words that distinguish no GPUs. */
const noise = new Set(
  (
    'nvidia geforce amd radeon intel tesla quadro instinct corporation inc gpu gpus graphics card accelerator ' +
    'generation gen edition server workstation blackwell ampere hopper turing pascal volta lovelace tensor core ' +
    'dgx hgx oam hbm2 hbm2e hbm3 hbm3e gddr6 gddr6x gddr7'
  ).split(' '),
);
const gluedVendor = /^(?:nvidia|geforce|amd|radeon|tesla|quadro|instinct)(?=[a-z]*\d)/;
const memoryWord = /^(\d{1,3})(?:g|gb|gib)$/;
const formSuffix = /^(.*?)(sxm[2-6]?|pcie|nvl|dgxs)((?:\d{1,3}(?:g|gb|gib))?)$/;
/**
 * A MIG profile as the driver and the device plugin write it: `MIG 1g.5gb`, `mig-1g.5gb.me`; `1c.3g.20gb` is a third of
 * one.
 */
const sliceText =
  /(?:^|[^a-z0-9])(?:mig[^a-z0-9]*)?((?:[1-9]c[^a-z0-9]?)?[1-9])g[^a-z0-9]?(\d{1,3})gb((?:[^a-z0-9]+(?:me|all|gfx)\b)*)/;

/**
 * Parses a GPU name in any spelling: `NVIDIA A100-SXM4-80GB`, `a100_sxm_80g`, `RTX4090`, `4090`, `Tesla T4`. Also
 * parses `gpuTypeKey`s.
 */
export function readGpuName(text: string): GpuName {
  const plain = text
    .toLowerCase()
    .replace(/\((?:tm|r|c)\)/g, ' ')
    .replace(/\b[a-z]+\.com\//g, ' ');
  const part = sliceText.exec(plain);
  const slice =
    part === null ? {} : { slice: compact(`${part[1]!}g${part[2]!}gb${part[3]!}`), sliceGb: Number(part[2]) };
  const card = part === null ? plain : `${plain.slice(0, part.index)} ${plain.slice(part.index + part[0].length)}`;
  const { words, form, memoryGb } = sortWords(card);
  // The driver writes HBM3 for the socketed H100.
  const isSocketed = form === undefined && words.join('') === 'h100' && /hbm3/.test(card);
  const read = readModel(words, memoryGb);
  const named = read.model === '' && part === null ? { ...read, model: compact(text) } : read;
  return { ...named, ...(form !== undefined ? { form } : isSocketed ? { form: 'sxm5' } : {}), ...slice };
}

/** Separates form factor and memory from a name; the remaining words identify the GPU. */
function sortWords(card: string): { words: string[]; form?: string; memoryGb?: number } {
  const words: string[] = [];
  let [form, memoryGb]: [string | undefined, number | undefined] = [undefined, undefined];
  const all = card.split(/[^a-z0-9]+/).filter((word) => word !== '');
  for (let at = 0; at < all.length; at++) {
    const word = all[at]!.replace(gluedVendor, '');
    const next = all[at + 1];
    if (noise.has(word)) continue;
    if (word === 'pci' && (next === 'e' || next === 'express')) {
      [form, at] = ['pcie', at + 1];
    } else if (memoryWord.test(word)) {
      memoryGb = Number(memoryWord.exec(word)![1]);
    } else if (/^\d{1,3}$/.test(word) && next !== undefined && /^(?:gb|gib)$/.test(next)) {
      [memoryGb, at] = [Number(word), at + 1];
    } else {
      const built = formSuffix.exec(word);
      if (built !== null) {
        form = built[2]!;
        if (built[3] !== '') memoryGb = Number.parseInt(built[3]!, 10);
      }
      const rest = built === null ? word : built[1]!;
      if (rest !== '' && !noise.has(rest)) words.push(rest);
    }
  }
  return {
    words,
    ...(form === undefined ? {} : { form }),
    ...(memoryGb === undefined ? {} : { memoryGb }),
  };
}

function readModel(words: readonly string[], memoryGb: number | undefined): GpuName {
  const whole = words.join('');
  // This name contains the processor's memory, not the GPU's.
  if (whole === 'gh200') return { model: whole, member: membersBySpelling.get(whole)! };
  const member = membersBySpelling.get(whole);
  if (member === undefined && memoryGb === undefined) {
    // `a10080gb` and `A100 80` end in a number that the catalogue has as a memory of that GPU.
    const last = words.at(-1) ?? '';
    const ends: [string, string][] = [[words.slice(0, -1).join(''), last]];
    for (const digits of [2, 3, 1]) {
      const glued = new RegExp(`^(.+?)(\\d{${digits}})(?:g|gb|gib)$`).exec(whole);
      if (glued !== null) ends.push([glued[1]!, glued[2]!]);
    }
    for (const [model, size] of ends) {
      const meant = membersBySpelling.get(model);
      if (meant?.memoriesGb.includes(Number(size)))
        return { model: meant.model, member: meant, memoryGb: Number(size) };
    }
  }
  return {
    model: member?.model ?? whole,
    ...(member === undefined ? {} : { member }),
    ...(memoryGb === undefined ? {} : { memoryGb }),
  };
}

/**
 * Whether a registered GPU satisfies a requested name: it must match everything the request specifies, and may be
 * anything that the request leaves open. If the registered name has no memory, its `vramGb` is checked elsewhere.
 */
export function meansGpu(asked: GpuName, registered: GpuName): boolean {
  if (asked.slice !== registered.slice) return false;
  const anyCard = asked.slice !== undefined && asked.model === '';
  if (!anyCard && asked.model !== registered.model) return false;
  if (asked.form !== undefined && !sameForm(asked.form, registered.form ?? registered.member?.plainForm ?? '')) {
    return false;
  }
  return asked.memoryGb === undefined || registered.memoryGb === undefined || asked.memoryGb === registered.memoryGb;
}

/** Whether two names have the same meaning. */
export function isSameGpuName(a: GpuName, b: GpuName): boolean {
  return meansGpu(a, b) && meansGpu(b, a) && a.memoryGb === b.memoryGb;
}

function sameForm(a: string, b: string): boolean {
  return a === b || (a === 'sxm' && b.startsWith('sxm')) || (b === 'sxm' && a.startsWith('sxm'));
}

/** The possible memories of a name in GB, from the catalogue; empty for an unknown GPU. */
export function memoriesOf({ member, form, memoryGb, sliceGb }: GpuName): readonly number[] {
  if (sliceGb !== undefined) return [sliceGb];
  if (memoryGb !== undefined) return [memoryGb];
  return (form === undefined ? undefined : member?.byForm?.[form]) ?? member?.memoriesGb ?? [];
}

/** The memory that a GPU's name implies when the driver reported none; undefined if there are several possibilities. */
export function knownVramGb(name: string): number | undefined {
  const memories = memoriesOf(readGpuName(name));
  return memories.length === 1 ? memories[0] : undefined;
}

const memoriesMadeGb = [...new Set([1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 18, 20, 24, 35, 64, 71])]
  .concat(gpuMembers.flatMap(({ memoriesGb }) => memoriesGb))
  .sort((a, b) => a - b);

/**
 * Converts the memory the driver reports to the memory the GPU is sold with. Up to a tenth is reserved, so 15,109 MB is
 * a T4 with 16 GB.
 *
 * @returns undefined if the driver reports none.
 */
export function vramGbOf(name: GpuName, countedMb: number): number | undefined {
  if (countedMb <= 0) return undefined;
  const countedGb = countedMb / 1024;
  const fits = (soldGb: number) => countedGb <= soldGb * 1.02 && countedGb >= soldGb * 0.9;
  const known = name.sliceGb === undefined ? (name.member?.memoriesGb ?? []) : [name.sliceGb];
  return known.find(fits) ?? memoriesMadeGb.find(fits) ?? Math.ceil(countedGb);
}

/** Whether two names ask for the same GPU. */
export function saysTheSame(a: string, b: string): boolean {
  return isSameGpuName(readGpuName(a), readGpuName(b));
}
