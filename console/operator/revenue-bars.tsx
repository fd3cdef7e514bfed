import type { Revenue } from '../../src/client/types.generated.js';
import { dayOf, daysOf } from '../cost/range.js';
import { nowMs, token } from '../live/index.js';
import { dayBars } from '../parts/day-bars.js';
import { DayChart } from '../parts/day-chart.js';

/** What the platform kept each day. A day on which more was given back than kept has no bar; the table has it. */
export function RevenueBars({ rows, from }: { rows: Revenue['rows']; from: string }) {
  const kept = rows.map(({ key, fees }) => ({ day: key, amount: fees }));
  const bars = dayBars(daysOf({ from, to: dayOf(nowMs()) }), kept, token().decimals);
  return (
    <div class="revenue-bars">
      <DayChart what="Fees" note="Days are those of UTC." {...bars} />
    </div>
  );
}
