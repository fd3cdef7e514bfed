import { useState } from 'preact/hooks';
import { token } from '../live/index.js';
import { Button, Duration, Money, Table } from '../parts/index.js';
import { dayBars } from '../parts/day-bars.js';
import { DayChart } from '../parts/day-chart.js';
import type { EarnedDay } from './earned-days.js';

interface EarnedBarsProps {
  days: readonly EarnedDay[];
  /** A table with the same stands below anyway. */
  hasTable?: boolean;
}

/** What each day has brought, as bars; the same as a table behind a button. */
export function EarnedBars({ days, hasTable = false }: EarnedBarsProps) {
  const [isTable, setTable] = useState(false);
  const earned = days.map(({ day, earned: amount }) => ({ day, amount }));
  const chart = dayBars(
    days.map(({ day }) => day),
    earned,
    token().decimals,
  );
  const bars = <DayChart what="Earned" note="Days are those of UTC." {...chart} />;
  if (hasTable) return bars;
  return (
    <div class="stack tight">
      {isTable ? (
        <Table
          caption="Earned by day"
          rows={days.toReversed().filter(({ earned, seconds }) => earned > 0n || seconds > 0)}
          rowKey={({ day }) => day}
          empty={<p class="soft">Nothing was earned in these days.</p>}
          columns={[
            { key: 'day', head: 'Day (UTC)', cell: ({ day }) => <span class="num">{day}</span>, card: 'title' },
            { key: 'time', head: 'Rented for', cell: ({ seconds }) => <Duration seconds={seconds} />, align: 'end' },
            { key: 'earned', head: 'Earned', cell: ({ earned }) => <Money units={earned} />, align: 'end' },
          ]}
        />
      ) : (
        bars
      )}
      <div>
        <Button kind="bare" size="s" onClick={() => setTable(!isTable)}>
          {isTable ? 'Show as bars' : 'Show as a table'}
        </Button>
      </div>
    </div>
  );
}
