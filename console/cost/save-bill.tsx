import { SaveCsv } from '../parts/save-csv.js';
import { billRange, type DayRange } from './range.js';
import type { BillBy } from './read-bill.js';

export function SaveBill({ by, range }: { by: BillBy; range: DayRange }) {
  const name = `cost-by-${by}-${range.from}-${range.to}.csv`;
  return <SaveCsv path="/api/v1/billing" query={{ by, ...billRange(range) }} name={name} />;
}
