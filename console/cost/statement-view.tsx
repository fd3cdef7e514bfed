import { useState } from 'preact/hooks';
import type { Statement, WalletEntry } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { setQuery } from '../app/router.js';
import { nowMs } from '../live/index.js';
import { SaveCsv } from '../parts/save-csv.js';
import { Button, Card, Check, Empty, Loaded, Money, Select, Skeleton, Table, Time, Untrusted } from '../parts/index.js';
import { bookingText, isReservation } from './booking-words.js';
import { monthChoices, monthInWords, monthOf, nextMonth, previousMonth, readMonth, type Month } from './months.js';
import { useStatement } from './standing.js';
import { standingOf, statementLines } from './statement-lines.js';
import { useBookings } from './use-bookings.js';

/** One month of the wallet's money: what it began with, what moved, what it ended with, and each booking. */
export function StatementView({ query }: { query: URLSearchParams }) {
  const month = readMonth(query, nowMs());
  const statement = useStatement(month);
  return (
    <div class="stack loose">
      <MonthPicker month={month} />
      <Card title={`Statement of ${monthInWords(month)}`} flush>
        <Loaded of={statement} skeleton={<Skeleton lines={4} height={2.5} />}>
          {(read) => <Sums statement={read} />}
        </Loaded>
      </Card>
      <Bookings key={month} month={month} />
    </div>
  );
}

function MonthPicker({ month }: { month: Month }) {
  const go = (to: Month) => setQuery({ month: to === monthOf(nowMs()) ? undefined : to });
  const [before, after] = [previousMonth(month), nextMonth(month, nowMs())];
  return (
    <div class="row months">
      <Button
        size="s"
        aria-label="The month before"
        disabled={before === undefined}
        onClick={() => before !== undefined && go(before)}
      >
        ←
      </Button>
      <Select
        label={<span class="hidden-text">Month</span>}
        value={month}
        options={monthChoices(month, nowMs()).map((each) => ({ value: each, label: monthInWords(each) }))}
        onChange={go}
      />
      <Button
        size="s"
        aria-label="The month after"
        disabled={after === undefined}
        onClick={() => after !== undefined && go(after)}
      >
        →
      </Button>
    </div>
  );
}

function Sums({ statement }: { statement: Statement }) {
  const { opening, moved, closing } = statementLines(statement);
  const { label, size, owes } = standingOf(statement.closing);
  return (
    <div class="statement">
      <div class="statement-end">
        <span class="small soft">{statement.is_final ? 'At the end of the month' : 'So far'}</span>
        <p class="statement-figure">
          {statement.closing === '0' ? label : <Money units={size} />}
          {statement.closing !== '0' && (
            <span class={`statement-side ${owes ? 'owes' : ''}`}>{label.toLowerCase()}</span>
          )}
        </p>
        <span class="small soft">
          {statement.reserved !== '0' && (
            <>
              <Money units={statement.reserved} /> reserved for jobs that have not ended.{' '}
            </>
          )}
          {statement.is_final ? 'The month is over: nothing is booked in it any more.' : 'The month is not over yet.'}
        </span>
      </div>
      <dl class="statement-lines">
        {[opening, ...moved, closing].map(({ key, what, amount }) => (
          <div key={key} class={key === 'closing' ? 'is-sum' : undefined}>
            <dt>{what}</dt>
            <dd>
              <Balance units={amount} isMove={key !== 'opening' && key !== 'closing'} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** A signed amount; below 0 it is owed, which is said in words, too. */
function Balance({ units, isMove = false }: { units: string; isMove?: boolean }) {
  const owes = units.startsWith('-');
  if (isMove)
    return (
      <span>
        {!owes && units !== '0' && '+'}
        <Money units={units} />
      </span>
    );
  return (
    <span>
      <Money units={units} />
      {owes && <span class="soft"> owed</span>}
    </span>
  );
}

function Bookings({ month }: { month: Month }) {
  const { of, more } = useBookings(month);
  const [withReserved, setWithReserved] = useState(false);
  return (
    <Card
      title="Bookings"
      aside={
        <>
          <Check label="with reservations" checked={withReserved} onChange={setWithReserved} />
          <SaveCsv path={`/api/v1/billing/statements/${month}`} name={`statement-${month}.csv`} />
        </>
      }
      flush
    >
      <Loaded of={of} skeleton={<Skeleton lines={5} height={2.75} />}>
        {({ entries, hasMore }) => {
          const rows = withReserved ? entries : entries.filter((entry) => !isReservation(entry));
          return (
            <>
              <BookingTable rows={rows} hidden={entries.length - rows.length} />
              {hasMore && (
                <p class="row cost-more">
                  <Button disabled={of.loading} onClick={more}>
                    Show more
                  </Button>
                </p>
              )}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

function BookingTable({ rows, hidden }: { rows: readonly WalletEntry[]; hidden: number }) {
  return (
    <Table
      caption="Bookings of the month, newest first"
      rows={rows}
      rowKey={({ id }) => id}
      empty={
        <Empty title="Nothing was charged or paid in this month">
          {hidden > 0
            ? `${hidden === 1 ? 'One reservation was' : `${hidden} reservations were`} made or given back: show them above.`
            : 'Each charge, payment and refund is here once it is booked.'}
        </Empty>
      }
      columns={[
        {
          key: 'what',
          head: 'What',
          card: 'title',
          cell: (entry) => (
            <span class="booking">
              <span>{bookingText(entry)}</span>
              {entry.reason !== undefined && (
                <span class="small soft">
                  <Untrusted text={entry.reason} max={200} />
                </span>
              )}
            </span>
          ),
        },
        {
          key: 'job',
          head: 'Job',
          cell: ({ job_id: id }) =>
            id === undefined ? (
              <span class="soft">–</span>
            ) : (
              <Link to={`/jobs/${segment(id)}`} title={id} class="mono">
                …{id.slice(-4)}
              </Link>
            ),
        },
        { key: 'at', head: 'Booked', cell: ({ at }) => <Time at={at} /> },
        {
          key: 'amount',
          head: 'Amount',
          align: 'end',
          cell: ({ amount, reserved }) =>
            amount === '0' && reserved !== '0' ? (
              <span class="soft">
                reserved <Balance units={reserved} isMove />
              </span>
            ) : (
              <Balance units={amount} isMove />
            ),
        },
        {
          key: 'after',
          head: 'Balance after',
          align: 'end',
          cell: ({ balance_after: after }) => <Balance units={after} />,
        },
      ]}
    />
  );
}
