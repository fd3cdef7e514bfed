import type { Revenue } from '../../src/client/types.generated.js';
import { dayBars } from '../cost/bars.js';
import { DayChart } from '../cost/day-chart.js';
import { dayOf } from '../cost/range.js';
import { nowMs, token } from '../live/index.js';

/** What the platform kept each day. A day on which more was given back than kept has no bar; the table has it. */
export function RevenueBars({ rows, from }: { rows: Revenue['rows']; from: string }) {
  const days = rows.map(({ key, fees }) => ({ key, spent: fees }));
  return (
    <div class="revenue-bars">
      <DayChart what="Fees" {...dayBars(days, { from, to: dayOf(nowMs()) }, token().decimals)} />
    </div>
  );
}
