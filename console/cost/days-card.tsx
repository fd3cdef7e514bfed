import { useState } from 'preact/hooks';
import { token } from '../live/index.js';
import { Button, Card, Empty, LinkButton, Loaded, Money, Skeleton, Table } from '../parts/index.js';
import { dayBars, type DayBars } from '../parts/day-bars.js';
import { DayChart } from '../parts/day-chart.js';
import { SaveBill } from './save-bill.js';
import { daysOf, type DayRange } from './range.js';
import { useBill } from './use-bill.js';

const dayPages = 4;
const countedOn = 'Days are those of UTC. A job is counted on the day on which it ends.';

/** What each day has cost: bars, and the same as a table. */
export function DaysCard({ range }: { range: DayRange }) {
  const bill = useBill('day', range, dayPages);
  const [isTable, setTable] = useState(false);
  return (
    <Card
      title="By day"
      aside={
        <>
          <Button kind="bare" size="s" onClick={() => setTable(!isTable)}>
            {isTable ? 'Show as bars' : 'Show as a table'}
          </Button>
          <SaveBill by="day" range={range} />
        </>
      }
      flush={isTable}
    >
      <Loaded of={bill} skeleton={<Skeleton lines={1} height={12} />}>
        {({ rows, total }) => {
          if (total.jobs === 0) return <NothingSpent />;
          const spent = rows.map(({ key, spent: amount }) => ({ day: key, amount }));
          const chart = dayBars(daysOf(range), spent, token().decimals);
          return isTable ? <DayTable bars={chart.bars} /> : <DayChart what="Spent" note={countedOn} {...chart} />;
        }}
      </Loaded>
    </Card>
  );
}

function NothingSpent() {
  return (
    <Empty title="Nothing was spent in these days" action={<LinkButton to="/">See what is free</LinkButton>}>
      A job is counted on the day on which it ends.
    </Empty>
  );
}

function DayTable({ bars }: Pick<DayBars, 'bars'>) {
  return (
    <Table
      caption="Spent by day"
      rows={bars.filter(({ amount }) => amount > 0n).toReversed()}
      rowKey={({ day }) => day}
      columns={[
        { key: 'day', head: 'Day (UTC)', card: 'title', cell: ({ day }) => <span class="num">{day}</span> },
        { key: 'spent', head: 'Spent', align: 'end', cell: ({ amount }) => <Money units={amount} /> },
      ]}
    />
  );
}
