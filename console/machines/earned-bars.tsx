import { useState } from 'preact/hooks';
import { token } from '../live/index.js';
import { Button, Duration, Money, Table } from '../parts/index.js';
import { dayBars } from '../parts/day-bars.js';
import { DayChart } from '../parts/day-chart.js';
import type { EarnedDay } from './earned-days.js';

/** What each day has brought, as bars; the same as a table behind a button. */
export function EarnedBars({ days }: { days: readonly EarnedDay[] }) {
  const [isTable, setTable] = useState(false);
  const earned = days.map(({ day, earned: amount }) => ({ day, amount }));
  const chart = dayBars(
    days.map(({ day }) => day),
    earned,
    token().decimals,
  );
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
        <DayChart what="Earned" note="Days are those of UTC." {...chart} />
      )}
      <div>
        <Button kind="bare" size="s" onClick={() => setTable(!isTable)}>
          {isTable ? 'Show as bars' : 'Show as a table'}
        </Button>
      </div>
    </div>
  );
}
