import { compact, membersBySpelling } from './gpu-catalog.js';
import { meansGpu, memoriesOf, readGpuName, type GpuName } from './gpu-name.js';
import { editDistance } from './nearest-name.js';

/** A type that some provider has or had. */
export interface RegisteredGpuType {
  /** A `gpuTypeKey`. */
  key: string;
  /** GB; absent if unknown. */
  vramGb?: number;
}

/** The registered types that a requested name can mean. */
export interface GpuTypesMeant {
  /** Keys of all types that the name may mean. */
  keys: string[];
  /** The keys whose own name states the memory. For the others, only GPUs with `vramGb` match. */
  certain: string[];
  /** The requested memory. */
  vramGb?: number;
  /** Keys of the nearest types, nearest first: same family, or same memory. */
  near: string[];
  /** True if the catalogue or a provider knows the name. */
  isKnown: boolean;
}

/** A longer list of suggestions helps nobody. */
const maxNear = 8;
const maxGuesses = 3;

/** Looks a name up, in any spelling, among the registered types. */
export function gpuTypesMeant(asked: string, registered: readonly RegisteredGpuType[]): GpuTypesMeant {
  const name = readGpuName(asked);
  const types = registered.map((type) => ({ ...type, name: readGpuName(type.key) }));
  const meant = types.filter((type) => meansGpu(name, type.name));
  const certain = meant.filter((type) => type.name.memoryGb !== undefined || type.name.slice !== undefined);
  const near = types
    .filter((type) => !meant.includes(type))
    .map((type) => ({ key: type.key, distance: distanceOf(name, type.name, type.vramGb) }))
    .filter(({ distance }) => distance < Infinity)
    .sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1));
  return {
    keys: meant.map(({ key }) => key),
    certain: certain.map(({ key }) => key),
    ...(name.memoryGb === undefined || name.slice !== undefined ? {} : { vramGb: name.memoryGb }),
    near: near.slice(0, maxNear).map(({ key }) => key),
    isKnown: meant.length > 0 || name.member !== undefined || (name.slice !== undefined && name.model === ''),
  };
}

function distanceOf(asked: GpuName, other: GpuName, vramGb: number | undefined): number {
  // A MIG partition cannot substitute for a whole card.
  if ((asked.slice === undefined) !== (other.slice === undefined)) return Infinity;
  if (asked.model !== '' && asked.model === other.model) return 0;
  if (asked.member !== undefined && asked.member.family === other.member?.family) return 1;
  const memories = vramGb === undefined ? memoriesOf(other) : [vramGb];
  return memoriesOf(asked).some((gb) => memories.includes(gb)) ? 2 : Infinity;
}

/** The most likely meanings of an unknown name, nearest first. */
export function nearestGpuNames(asked: string, registered: readonly RegisteredGpuType[]): string[] {
  const meant = compact(readGpuName(asked).model || asked);
  // Comparing takes time proportional to the product of both lengths.
  if (meant.length > 32) return [];
  const known = [
    ...[...membersBySpelling].map(([spelling, { name }]) => ({ spelling, name })),
    ...registered
      .map(({ key }) => ({ spelling: compact(key), name: key }))
      .filter(({ spelling }) => spelling.length <= 32),
  ];
  const furthest = meant.length > 5 ? 2 : 1;
  const distance = (spelling: string) =>
    meant.length >= 3 && (spelling.startsWith(meant) || (meant.startsWith(spelling) && spelling.length >= 4))
      ? 0.5
      : Math.abs(spelling.length - meant.length) > furthest
        ? Infinity
        : editDistance(meant, spelling);
  const ranked = known
    .map(({ spelling, name }) => ({ name, distance: distance(spelling) }))
    .filter((each) => each.distance <= furthest)
    .sort((a, b) => a.distance - b.distance);
  return [...new Set(ranked.map(({ name }) => name))].slice(0, maxGuesses);
}
