import { compact, gpuMembers, membersBySpelling, type GpuMember } from './gpu-catalog.js';

/** What a GPU's name says, however it is spelled. */
export interface GpuName {
  /** A `GpuMember.model`, or the name without separators where the catalogue does not have it. */
  model: string;
  member?: GpuMember;
  /** `pcie`, `sxm4`, `nvl` and the like, where the name says it. */
  form?: string;
  /** Of the whole card, where the name says it. */
  memoryGb?: number;
  /** `1g5gb`: a part of the card (MIG), which is another type than the card. */
  slice?: string;
  /** Of that part. */
  sliceGb?: number;
}

/** Words that tell no two GPUs apart. */
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
/** As the driver and the device plugin write it: `MIG 1g.5gb`, `mig-1g.5gb.me`; `1c.3g.20gb` is a third of one. */
const sliceText =
  /(?:^|[^a-z0-9])(?:mig[^a-z0-9]*)?((?:[1-9]c[^a-z0-9]?)?[1-9])g[^a-z0-9]?(\d{1,3})gb((?:[^a-z0-9]+(?:me|all|gfx)\b)*)/;

/**
 * Reads a GPU's name in any spelling: `NVIDIA A100-SXM4-80GB`, `a100_sxm_80g`, `RTX4090`, `4090`, `Tesla T4`.
 * `gpuTypeKey`s are read the same.
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
  // HBM3 is what the driver calls the H100 that sits in a socket.
  const isSocketed = form === undefined && words.join('') === 'h100' && /hbm3/.test(card);
  const read = readModel(words, memoryGb);
  const named = read.model === '' && part === null ? { ...read, model: compact(text) } : read;
  return { ...named, ...(form !== undefined ? { form } : isSocketed ? { form: 'sxm5' } : {}), ...slice };
}

/** Takes form and memory out of a name; what is left says which GPU it is. */
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
  // The memory of the processor beside it stands in its name.
  if (whole === 'gh200') return { model: whole, member: membersBySpelling.get(whole)! };
  const member = membersBySpelling.get(whole);
  if (member === undefined && memoryGb === undefined) {
    // `a10080gb` and `A100 80`: a number that a member of the catalogue has as its memory.
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
 * Whether who asks for the one may be given the other: what the name that was asked for says has to be so, and what it
 * leaves open may be anything. The memory of a name that does not say it is left to `vramGb` of what is registered.
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

/** Two names that say the same. */
export function isSameGpuName(a: GpuName, b: GpuName): boolean {
  return meansGpu(a, b) && meansGpu(b, a) && a.memoryGb === b.memoryGb;
}

function sameForm(a: string, b: string): boolean {
  return a === b || (a === 'sxm' && b.startsWith('sxm')) || (b === 'sxm' && a.startsWith('sxm'));
}

/** The memories, in GB, in which the catalogue has what a name says; none for a GPU that it does not have. */
export function memoriesOf({ member, form, memoryGb, sliceGb }: GpuName): readonly number[] {
  if (sliceGb !== undefined) return [sliceGb];
  if (memoryGb !== undefined) return [memoryGb];
  return (form === undefined ? undefined : member?.byForm?.[form]) ?? member?.memoriesGb ?? [];
}

/** The memory of a GPU of which nobody counted it; undefined where its name may mean several. */
export function knownVramGb(name: string): number | undefined {
  const memories = memoriesOf(readGpuName(name));
  return memories.length === 1 ? memories[0] : undefined;
}

const memoriesMadeGb = [...new Set([1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 18, 20, 24, 35, 64, 71])]
  .concat(gpuMembers.flatMap(({ memoriesGb }) => memoriesGb))
  .sort((a, b) => a - b);

/**
 * The memory that a GPU is sold with, of what its driver counts: it keeps up to a tenth for itself, so that 15,109 MB
 * are a T4 with 16 GB.
 *
 * @returns undefined where nothing is counted.
 */
export function vramGbOf(name: GpuName, countedMb: number): number | undefined {
  if (countedMb <= 0) return undefined;
  const countedGb = countedMb / 1024;
  const fits = (soldGb: number) => countedGb <= soldGb * 1.02 && countedGb >= soldGb * 0.9;
  const known = name.sliceGb === undefined ? (name.member?.memoriesGb ?? []) : [name.sliceGb];
  return known.find(fits) ?? memoriesMadeGb.find(fits) ?? Math.ceil(countedGb);
}
