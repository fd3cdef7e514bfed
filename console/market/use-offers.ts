import { useEffect, useRef, useState } from 'preact/hooks';
import { broker, useResource, type Loaded } from '../live/index.js';
import { offerQueryOf, type Filters } from './filters.js';
import { extended, rowsOf, updated, type OfferRows } from './offer-rows.js';
import { hasRoom, readOffers, type ReadOffers } from './read-offers.js';

/** Offers of one page are read as often as the market; more of them are read less often. */
const everyMs = { onePage: 10_000, more: 30_000 };

export interface ShownOffers {
  list: Loaded<ReadOffers>;
  /** Undefined until something was read. */
  rows: OfferRows | undefined;
  /** The rows are those of other filters: what is asked for now is being read. */
  isOld: boolean;
  hasMore: boolean;
  /** False where there are more than a page should hold. */
  hasRoom: boolean;
  showMore(): void;
  /** Shows what came since, in its order. */
  showFresh(): void;
}

interface Shown {
  key: string;
  data: ReadOffers;
  rows: OfferRows;
}

/** The offers that fit filters, page by page, with rows that do not jump while they are read. */
export function useOffers(filters: Filters): ShownOffers {
  const key = JSON.stringify(offerQueryOf(filters));
  const [asked, setAsked] = useState<Readonly<Record<string, number>>>({});
  const pages = asked[key] ?? 1;
  const latest = useRef<ReadOffers | undefined>(undefined);
  const list = useResource(
    `offers:${key}`,
    async () => {
      const { current } = latest;
      const isFurther = current !== undefined && current.next !== undefined && current.pages.length < pages;
      const query = offerQueryOf(filters);
      return await readOffers(
        (size) => broker().offers.list({ ...query, ...size }),
        pages,
        isFurther ? current : undefined,
      );
    },
    { everyMs: pages === 1 ? everyMs.onePage : everyMs.more },
  );
  latest.current = list.data;
  useEffect(() => {
    if (pages > 1) list.reload();
  }, [pages]);

  const shown = useRef<Shown | undefined>(undefined);
  const [, drawAgain] = useState(0);
  if (list.data !== undefined && list.data !== shown.current?.data) {
    shown.current = { key, data: list.data, rows: nextRows(shown.current, key, list.data, filters) };
  }
  const { data } = list;
  return {
    list,
    rows: shown.current?.rows,
    isOld: shown.current !== undefined && shown.current.key !== key,
    hasMore: data?.next !== undefined,
    hasRoom: data === undefined || hasRoom(data),
    showMore: () => setAsked({ ...asked, [key]: (data?.pages.length ?? 1) + 1 }),
    showFresh() {
      if (shown.current !== undefined) shown.current.rows = rowsOf(shown.current.data.pages.flat());
      drawAgain((count) => count + 1);
    },
  };
}

function nextRows(before: Shown | undefined, key: string, { pages, next }: ReadOffers, filters: Filters): OfferRows {
  const offers = pages.flat();
  if (before?.key !== key) return rowsOf(offers);
  const now = { offers, hasMore: next !== undefined, sort: filters.sort ?? ('price' as const) };
  const further = pages.slice(before.data.pages.length).flat();
  if (further.length === 0) return updated(before.rows, now);
  // What was on no page before is not fresh, but further down.
  return { ...updated(extended(before.rows, further), now) };
}
