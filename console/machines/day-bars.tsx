import { useState } from 'preact/hooks';
import { Button, Duration, Money, Table } from '../parts/index.js';
import { dayInWords } from '../parts/times.js';
import { heightOf, type EarnedDay } from './earned-days.js';

/** What each day has brought, as bars; the same as a table behind a button. */
export function DayBars({ days }: { days: readonly EarnedDay[] }) {
  const [isTable, setTable] = useState(false);
  const [pointed, setPointed] = useState<EarnedDay>();
  const most = days.reduce((highest, { earned }) => (earned > highest ? earned : highest), 0n);
  const [first, last] = [days[0], days.at(-1)];
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
        <figure class="day-bars">
          <div
            class="day-bars-plot"
            role="img"
            aria-label={`Earned by day, from ${first === undefined ? '' : dayInWords(first.day)} to today; the table has the figures`}
            onPointerLeave={() => setPointed(undefined)}
          >
            {days.map((each) => (
              <span
                key={each.day}
                class={`day-bar${each === pointed ? ' pointed' : ''}`}
                onPointerEnter={() => setPointed(each)}
              >
                <span style={{ height: `${Math.max(each.earned > 0n ? 3 : 0, heightOf(each.earned, most) * 100)}%` }} />
              </span>
            ))}
          </div>
          <figcaption class="row spread small soft">
            <span>{first === undefined ? '' : dayInWords(first.day)}</span>
            {pointed === undefined ? (
              most > 0n && (
                <span>
                  highest: <Money units={most} />
                </span>
              )
            ) : (
              <span class="day-bars-pointed">
                {dayInWords(pointed.day)}: <Money units={pointed.earned} />
              </span>
            )}
            <span>{last === undefined ? '' : 'today'}</span>
          </figcaption>
        </figure>
      )}
      <div>
        <Button kind="bare" size="s" onClick={() => setTable(!isTable)}>
          {isTable ? 'Show as bars' : 'Show as a table'}
        </Button>
      </div>
    </div>
  );
}
