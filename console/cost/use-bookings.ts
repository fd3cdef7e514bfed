import { useEffect, useState } from 'preact/hooks';
import type { WalletEntry } from '../../src/client/types.generated.js';
import { broker, login, useResource, type Loaded } from '../live/index.js';
import { rangeOfMonth, type Month } from './months.js';

const pageSize = 100;
const everyMs = 60_000;

interface Bookings {
  entries: WalletEntry[];
  hasMore: boolean;
}

/** The bookings of a month, newest first, as many pages of them as were asked for. */
export function useBookings(month: Month): { of: Loaded<Bookings>; more(): void } {
  const [pages, setPages] = useState(1);
  useEffect(() => setPages(1), [month]);
  const key = `jobs:${login.value?.wallet ?? ''}:bookings:${month}:${pages}`;
  const of = useResource<Bookings>(key, (signal) => readBookings(month, pages, signal), { everyMs, keep: pages > 1 });
  return { of, more: () => setPages(pages + 1) };
}

async function readBookings(month: Month, pages: number, signal: AbortSignal): Promise<Bookings> {
  const entries: WalletEntry[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pages; page++) {
    const query = { ...rangeOfMonth(month), limit: pageSize, cursor };
    const { body } = await broker().request('GET', '/api/v1/billing/entries', { query, signal });
    entries.push(...body.entries);
    cursor = body.next_cursor;
    if (cursor === undefined) break;
  }
  return { entries, hasMore: cursor !== undefined };
}
