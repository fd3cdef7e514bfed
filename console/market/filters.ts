import type { OfferQuery } from '../../src/client/shapes.js';
import { priceText } from './words.js';

export const offerSorts = ['price', 'free', 'reliability'] as const;
export type OfferSort = (typeof offerSorts)[number];

/** What is asked for, as it stands in the address of the page. */
export interface Filters {
  gpu?: string;
  /** GPUs of one job. */
  count?: number;
  minVramGb?: number;
  /** Of one GPU and hour. */
  maxPrice?: number;
  minCuda?: string;
  region?: string;
  /** Those that are full, too. */
  full?: true;
  sort?: OfferSort;
}

const words = (text: string, longest: number) => {
  const trimmed = text.trim();
  return trimmed === '' || trimmed.length > longest ? undefined : trimmed;
};
const number = (text: string, max: number) => {
  const value = Number(text);
  return /^\d{1,9}(?:\.\d{1,9})?$/.test(text) && value > 0 && value <= max ? value : undefined;
};
const whole = (text: string, max: number) => {
  const value = number(text, max);
  return value !== undefined && Number.isInteger(value) ? value : undefined;
};

/** How each filter is read from the address; what is no value of it is as if it were not there. */
const readers: { [Name in keyof Filters]-?: [name: string, read: (text: string) => Filters[Name]] } = {
  gpu: ['gpu', (text) => words(text, 64)],
  count: ['count', (text) => whole(text, 64)],
  minVramGb: ['vram', (text) => number(text, 16_384)],
  maxPrice: ['price', (text) => number(text, 1e9)],
  minCuda: ['cuda', (text) => (/^\d{1,3}(?:\.\d{1,3})?$/.test(text) ? text : undefined)],
  region: ['region', (text) => words(text, 32)],
  full: ['full', (text) => (text === '1' ? true : undefined)],
  sort: ['sort', (text) => offerSorts.find((sort) => sort === text && sort !== 'price')],
};
const filterNames = Object.keys(readers) as (keyof Filters)[];

export function filtersOf(query: URLSearchParams): Filters {
  const found: Record<string, unknown> = {};
  for (const name of filterNames) {
    const [parameter, read] = readers[name];
    const value = read(query.get(parameter) ?? '');
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** What `setQuery` is given for these filters; those that are not there are taken away. */
export function addressChange(filters: Filters): Record<string, string | undefined> {
  return Object.fromEntries(
    filterNames.map((name) => {
      const value = filters[name];
      return [readers[name][0], value === undefined ? undefined : value === true ? '1' : String(value)];
    }),
  );
}

/** The same filters with one changed; `undefined` takes it away. */
export function withFilter<Name extends keyof Filters>(
  filters: Filters,
  name: Name,
  value: Filters[Name] | undefined,
): Filters {
  const { [name]: _, ...rest } = filters;
  return value === undefined ? rest : { ...rest, [name]: value };
}

export function offerQueryOf({ full, ...filters }: Filters): OfferQuery {
  return { ...filters, ...(full === undefined ? {} : { all: true }) };
}

/** A filter that leaves offers out, in words. */
export interface ActiveFilter {
  name: keyof Filters;
  label: string;
}

/** The filters that leave something out; `full` lets more in, and the order leaves nothing out. */
export function activeFilters(filters: Filters, unit: string, gpuName?: string): ActiveFilter[] {
  const { gpu, count, minVramGb, maxPrice, minCuda, region } = filters;
  const said: [keyof Filters, string | undefined][] = [
    ['gpu', gpu === undefined ? undefined : (gpuName ?? gpu)],
    ['count', count === undefined || count === 1 ? undefined : `${count} GPUs in one job`],
    ['minVramGb', minVramGb === undefined ? undefined : `at least ${minVramGb} GB`],
    ['maxPrice', maxPrice === undefined ? undefined : `at most ${priceText(maxPrice)} ${unit}`],
    ['minCuda', minCuda === undefined ? undefined : `CUDA ${minCuda} or newer`],
    ['region', region === undefined ? undefined : `in ${region}`],
  ];
  return said.flatMap(([name, label]) => (label === undefined ? [] : [{ name, label }]));
}

/** A filter without which there would be offers, and what the best of them is. */
export interface Loosening extends ActiveFilter {
  from: number;
}

/**
 * Which filter to loosen when nothing fits: each is left out once, and those are named without which something is found.
 *
 * @param cheapest asks the broker for the price of the first offer; undefined if there is none.
 */
export async function loosenings(
  filters: Filters,
  active: readonly ActiveFilter[],
  cheapest: (filters: Filters) => Promise<number | undefined>,
): Promise<Loosening[]> {
  const tried = await Promise.all(
    active.map(async (filter) => ({ filter, from: await cheapest(withFilter(filters, filter.name, undefined)) })),
  );
  return tried.flatMap(({ filter, from }) => (from === undefined ? [] : [{ ...filter, from }]));
}

/** Only filters that narrow, none that orders. */
export function withoutNarrowing({ full, sort }: Filters): Filters {
  return { ...(full === undefined ? {} : { full }), ...(sort === undefined ? {} : { sort }) };
}
