import type { Offer } from '../../src/client/shapes.js';
import type { OfferSort } from './filters.js';

/** An offer as the table has it. */
export interface OfferRow {
  key: string;
  offer: Offer;
  /** It was here when the list was read first, and is not now. */
  isGone: boolean;
  /** What became of its price since the row was first shown. */
  change: 'dearer' | 'cheaper' | undefined;
}

/** Rows that stay where they are while their figures change. */
export interface OfferRows {
  rows: OfferRow[];
  /** How many offers came that are not among the rows. */
  fresh: number;
}

export const keyOf = ({ provider_id: provider, gpu_type: type }: Offer): string => `${provider}\n${type ?? ''}`;

export function rowsOf(offers: readonly Offer[]): OfferRows {
  const seen = new Map<string, OfferRow>();
  // A provider whose price changes between two pages is on both.
  for (const offer of offers) {
    const key = keyOf(offer);
    if (!seen.has(key)) seen.set(key, { key, offer, isGone: false, change: undefined });
  }
  return { rows: [...seen.values()], fresh: 0 };
}

interface Now {
  offers: readonly Offer[];
  /** Whether there are more than these: then what is not among them may stand behind them. */
  hasMore: boolean;
  sort: OfferSort;
}

/**
 * Rows with the figures of now. No row moves, comes or goes while somebody reads: those that are gone say so, and new
 * ones are counted until they are asked for. Rows that are as they were stay the same objects, and cost nothing to draw.
 */
export function updated({ rows }: OfferRows, { offers, hasMore, sort }: Now): OfferRows {
  const latest = new Map(offers.map((offer) => [keyOf(offer), offer]));
  const known = new Set(rows.map(({ key }) => key));
  const last = hasMore ? offers.at(-1) : undefined;
  const isUnread = ({ offer }: OfferRow) => last !== undefined && rankOf(offer, sort) >= rankOf(last, sort);
  return {
    rows: rows.map((row) => {
      const now = latest.get(row.key);
      return now === undefined && isUnread(row) ? row : rowNow(row, now);
    }),
    fresh: offers.filter((offer) => !known.has(keyOf(offer))).length,
  };
}

/** Rows with those of further pages behind them. */
export function extended({ rows, fresh }: OfferRows, offers: readonly Offer[]): OfferRows {
  const known = new Set(rows.map(({ key }) => key));
  const added = rowsOf(offers).rows.filter(({ key }) => !known.has(key));
  return { rows: [...rows, ...added], fresh };
}

/** Where an offer stands in its order: smaller is earlier. */
function rankOf({ price_per_hour, free_gpus, reliability }: Offer, sort: OfferSort): number {
  if (sort === 'free') return -free_gpus;
  return sort === 'reliability' ? -(reliability ?? -1) : price_per_hour;
}

function rowNow(row: OfferRow, now: Offer | undefined): OfferRow {
  if (now === undefined) return row.isGone ? row : { ...row, isGone: true, change: undefined };
  if (!row.isGone && isSame(row.offer, now)) return row;
  const [before, after] = [row.offer.price_per_gpu_hour, now.price_per_gpu_hour];
  const change = after > before ? 'dearer' : after < before ? 'cheaper' : row.change;
  return { key: row.key, offer: now, isGone: false, change };
}

function isSame(a: Offer, b: Offer): boolean {
  return (Object.keys(b) as (keyof Offer)[]).every((name) => a[name] === b[name]);
}

/** The path of the Rent page for an offer, below `/console`. */
export function rentAddress(query: { gpu?: string | null; provider?: string; count?: number | undefined }): string {
  const search = new URLSearchParams();
  if (typeof query.gpu === 'string') search.set('gpu', query.gpu);
  if (query.count !== undefined && query.count > 1) search.set('count', String(query.count));
  if (query.provider !== undefined) search.set('provider', query.provider);
  const text = search.toString();
  return `/rent${text === '' ? '' : `?${text}`}`;
}
