import type { Offer, OfferQuery } from '../../src/client/shapes.js';
import type { Pages } from '../../src/client/pages.js';

/** Pages of offers that were read one after another. */
export interface ReadOffers {
  pages: readonly (readonly Offer[])[];
  /** Where the next page begins; absent after the last. */
  next?: string;
}

export const firstPageSize = 50;
export const pageSize = 100;
/** More rows than these nobody scrolls through: a filter finds it sooner, and a table of all would be slow. */
const mostRows = 350;

export function hasRoom({ pages }: ReadOffers): boolean {
  return pages.reduce((sum, page) => sum + page.length, 0) + pageSize <= mostRows;
}

/**
 * Reads so many pages.
 *
 * @param list the offers that are asked for, with pages of a size.
 * @param before what was read already, and is not read again.
 */
export async function readOffers(
  list: (query: Pick<OfferQuery, 'limit'>) => Pages<Offer>,
  wanted: number,
  before: ReadOffers = { pages: [] },
): Promise<ReadOffers> {
  const pages = [...before.pages];
  let { next } = before;
  while (pages.length < wanted && (pages.length === 0 || next !== undefined)) {
    const limit = pages.length === 0 ? firstPageSize : pageSize;
    const page = await list({ limit }).page(next);
    pages.push(page.items);
    next = page.next;
  }
  return { pages, ...(next === undefined ? {} : { next }) };
}
