import { login, useResource, type Loaded } from '../live/index.js';
import type { DayRange } from './range.js';
import { readBill, type Bill, type BillBy } from './read-bill.js';

const everyMs = 60_000;

/** A bill; it is read anew with all that is about jobs, and once a minute. */
export function useBill(by: BillBy, range: DayRange, pages: number): Loaded<Bill> {
  const key = `jobs:${login.value?.wallet ?? ''}:bill:${by}:${range.from}:${range.to}:${pages}`;
  return useResource<Bill>(key, (signal) => readBill(by, range, pages, signal), { everyMs });
}
