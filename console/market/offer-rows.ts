import type { Offer } from '../../src/client/shapes.js';

/** An offer as the table has it. */
export interface OfferRow {
  key: string;
  offer: Offer;
  /** It was here when the page was read, and is not now. */
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

/**
 * Rows with the figures of now. No row moves, comes or goes while somebody reads: those that are gone say so, and new
 * ones are counted until they are asked for. Rows that are as they were stay the same objects, and cost nothing to draw.
 */
export function updated({ rows }: OfferRows, now: readonly Offer[]): OfferRows {
  const latest = new Map(now.map((offer) => [keyOf(offer), offer]));
  const known = new Set(rows.map(({ key }) => key));
  const fresh = now.filter((offer) => !known.has(keyOf(offer))).length;
  return { rows: rows.map((row) => rowNow(row, latest.get(row.key))), fresh };
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

/** `4 of 4 free` as a row says it: `full` where nothing is. */
export function freeText({ free_gpus: free, total_gpus: total }: Offer): string {
  return free === 0 ? `full, of ${total}` : `${free} of ${total}`;
}

/** The address of the Rent page for an offer. */
export function rentAddress(query: { gpu?: string | null; provider?: string; count?: number | undefined }): string {
  const search = new URLSearchParams();
  if (typeof query.gpu === 'string') search.set('gpu', query.gpu);
  if (query.count !== undefined && query.count > 1) search.set('count', String(query.count));
  if (query.provider !== undefined) search.set('provider', query.provider);
  const text = search.toString();
  return `/console/rent${text === '' ? '' : `?${text}`}`;
}
