import type { Market, MarketType } from '../../src/client/shapes.js';
import { priceText } from './words.js';

/** What stands above everything else on the page. */
export interface Headline {
  free: number;
  total: number;
  /** Machines that are online. */
  machines: number;
  /** Of a GPU and hour, over all GPUs that have a price; undefined if none has. */
  median: number | undefined;
}

export function headlineOf({ free, total, providers_online: machines, gpu_types: types }: Market): Headline {
  return { free, total, machines, median: medianOf(types) };
}

/** The median over types, each as often as it has GPUs: one rare and dear type does not move it. */
function medianOf(types: readonly MarketType[]): number | undefined {
  const priced = types
    .filter((type) => type.price !== null && type.total > 0)
    .map((type) => ({ price: type.price!.median, weight: type.total }))
    .sort((a, b) => a.price - b.price);
  const half = priced.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let sum = 0;
  for (const { price, weight } of priced) {
    sum += weight;
    if (sum >= half) return price;
  }
  return undefined;
}

/** A GPU type as one card. */
export interface TypeCard {
  gpuType: string;
  name: string;
  /** `24 GB`, `40 or 80 GB`. */
  vram: string;
  free: number;
  total: number;
  /** Part of its GPUs that are free, 0 to 1. */
  freeShare: number;
  /** `0.50`; undefined if nobody has set one. */
  from: string | undefined;
  /** `up to 8 in one job`; empty where one GPU is the most. */
  together: string;
}

export function typeCardOf(type: MarketType): TypeCard {
  const { total, free, most_at_one_provider: most } = type;
  return {
    gpuType: type.gpu_type,
    name: shortTypeName(type.name, type.vram_gb),
    vram: vramText(type.vram_gb),
    free,
    total,
    freeShare: total === 0 ? 0 : Math.min(1, free / total),
    from: type.price === null ? undefined : priceText(type.price.min),
    together: most > 1 ? `up to ${most} in one job` : '',
  };
}

/** A name without the memory that stands beside it anyway: `A100 SXM4 80GB` is `A100 SXM4`. */
export function shortTypeName(name: string, vramGb: readonly number[]): string {
  const short = name.replace(/\s+(\d+)\s?GB$/i, (all, gb: string) => (vramGb.includes(Number(gb)) ? '' : all));
  return short === '' ? name : short;
}

export function vramText(vramGb: readonly number[]): string {
  return vramGb.length === 0 ? '' : `${[...vramGb].sort((a, b) => a - b).join(' or ')} GB`;
}

/** Types as they are offered: those with something free first, then those with most GPUs. */
export function inOrder(types: readonly MarketType[]): MarketType[] {
  const rank = ({ free }: MarketType) => (free > 0 ? 0 : 1);
  return [...types].sort((a, b) => rank(a) - rank(b) || b.total - a.total || (a.gpu_type < b.gpu_type ? -1 : 1));
}

/** Sizes of GPU memory to choose a lower limit from. */
export function vramChoices(types: readonly MarketType[]): number[] {
  return [...new Set(types.flatMap((type) => type.vram_gb))].sort((a, b) => a - b);
}

/** The type that a word means here: its key, or a shorter name such as `a100`. */
export function typeMeant(types: readonly MarketType[], word: string | undefined): MarketType | undefined {
  if (word === undefined || word === '') return undefined;
  const asked = word.toLowerCase();
  return (
    types.find(({ gpu_type: key }) => key === asked) ??
    types.find(({ aliases, name }) => aliases.includes(asked) || name.toLowerCase() === asked)
  );
}
