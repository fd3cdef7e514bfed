import type { Billing } from '../../src/client/types.generated.js';
import { broker } from '../live/index.js';
import { billRange, type DayRange } from './range.js';

export type BillBy = Billing['by'];

export interface Bill {
  rows: Billing['rows'];
  total: Billing['total'];
  hasMore: boolean;
}

/** What a wallet's jobs cost in a range, as many pages of it as are asked for. The sums are of all pages. */
export async function readBill(by: BillBy, range: DayRange, pages: number, signal?: AbortSignal): Promise<Bill> {
  const rows: Billing['rows'] = [];
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const query = { by, ...billRange(range), limit: 100, cursor };
    const { body } = await broker().request('GET', '/api/v1/billing', { query, signal });
    rows.push(...body.rows);
    cursor = body.next_cursor;
    if (cursor === undefined || page + 1 >= pages) return { rows, total: body.total, hasMore: cursor !== undefined };
  }
}
