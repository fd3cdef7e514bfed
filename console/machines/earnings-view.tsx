import { useState } from 'preact/hooks';
import { shortIds } from '../../src/words/short-ids.js';
import type { Earnings } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { api, broker, login, nowMs, useResource, type Loaded } from '../live/index.js';
import {
  Button,
  Card,
  Duration,
  Empty,
  Loaded as Shown,
  Money,
  Segmented,
  Skeleton,
  Stat,
  Stats,
  Table,
  Time,
  Untrusted,
  type Column,
} from '../parts/index.js';
import { hasChain } from '../chain/has-chain.js';
import { Late } from '../parts/late.js';
import { SaveCsv } from '../parts/save-csv.js';
import { EarnedBars } from './earned-bars.js';
import { dayOf, earnedDays } from './earned-days.js';
import { earningsShare, type EarningsBy } from './earnings-share.js';
import { PayoutsCard } from './payouts-card.js';

const shownDays = 30;
const everyMs = 60_000;
const pageSize = 50;
const fromDay = () => dayOf(nowMs() - (shownDays - 1) * 86_400_000);

const netDays = ({ rows }: Earnings) => earnedDays(rows, { nowMs: nowMs(), days: shownDays });

/** What the wallet's machines have earned, what of it is still to be paid, and what was. */
export function EarningsView() {
  const [by, setBy] = useState<EarningsBy>('day');
  const [pages, setPages] = useState(1);
  const earnings = useEarningsBy(by, by === 'day' ? 1 : pages);
  const choose = (value: string) => {
    setBy(value as EarningsBy);
    setPages(1);
  };
  return (
    <div class="stack loose">
      <Shown of={earnings} skeleton={<Skeleton lines={1} height={6} />}>
        {(read) => (
          <div class="stack loose">
            <Standing earnings={read} />
            {hasChain() === true && (
              <Late load={() => import('../chain/earned-on-chain.js')} with={{ earnings: read }} />
            )}
          </div>
        )}
      </Shown>
      <Card
        title={`Earned in ${shownDays} days`}
        aside={
          <>
            <Segmented
              label="By"
              value={by}
              options={[
                { value: 'day', label: 'by day' },
                { value: 'job', label: 'by job' },
                { value: 'provider', label: 'by machine' },
              ]}
              onChange={choose}
            />
            <SaveCsv
              path="/api/v1/me/earnings"
              query={{ by, from: fromDay() }}
              name={`earnings-by-${by}-${fromDay()}.csv`}
            />
          </>
        }
        flush
      >
        <Shown of={earnings} skeleton={<Skeleton lines={3} height={3} />}>
          {(read) => (
            <>
              {by === 'day' && read.rows.length > 0 && (
                <div class="earned-bars">
                  <EarnedBars days={netDays(read)} hasTable />
                </div>
              )}
              <ShareTable earnings={read} by={by} />
              {read.next_cursor !== undefined && (
                <p class="card-note">
                  <Button size="s" disabled={earnings.loading} onClick={() => setPages(pages + 1)}>
                    Show more
                  </Button>
                </p>
              )}
            </>
          )}
        </Shown>
      </Card>
      <PayoutsCard />
    </div>
  );
}

function useEarningsBy(by: EarningsBy, pages: number): Loaded<Earnings> {
  const key = `earnings:${login.value?.wallet ?? ''}:by:${by}:${pages}`;
  return useResource<Earnings>(key, (signal) => readEarnings(by, pages, signal), { everyMs, keep: pages > 1 });
}

async function readEarnings(by: EarningsBy, pages: number, signal: AbortSignal): Promise<Earnings> {
  const read = async (cursor?: string) => {
    const query = { by, from: fromDay(), limit: by === 'day' ? 100 : pageSize, cursor };
    return (await broker().request('GET', '/api/v1/me/earnings', { query, signal })).body;
  };
  let last = await read();
  const rows = [...last.rows];
  for (let page = 1; page < pages && last.next_cursor !== undefined; page++) {
    last = await read(last.next_cursor);
    rows.push(...last.rows);
  }
  return { ...last, rows };
}

function Standing({ earnings: { payable, paid_out: paidOut, unclaimed, total } }: { earnings: Earnings }) {
  const owes = payable.startsWith('-');
  const { net } = earningsShare(total);
  return (
    <>
      <Stats>
        <Stat
          label={owes ? 'You owe' : 'To be paid to you'}
          value={<Money units={owes ? payable.slice(1) : payable} />}
          note={
            owes
              ? 'refunded after it was paid out; later earnings pay it off'
              : hasChain() === true
                ? 'the next settlement credits it to you'
                : 'the operator pays it, and gives a reference'
          }
        />
        <Stat label={`Earned in ${shownDays} days`} value={<Money units={net} />} note={<FeeNote total={total} />} />
        <Stat label="Held for running jobs" value={<Money units={total.pending} />} note="yours as they use it" />
        <Stat label="Paid out so far" value={<Money units={paidOut} />} note="of all time" />
      </Stats>
      {unclaimed !== '0' && (
        <div class="note tone-warn">
          <p class="note-title">
            <span aria-hidden="true">▲ </span>
            <Money units={unclaimed} /> wait until your wallet is proven
          </p>
          <p>
            A machine has named your wallet, and nobody is paid on an address that is only named. Sign for the machine
            here, under its actions; then it becomes yours by itself, and nothing is lost meanwhile.{' '}
            <a href={`${api}/docs/money#for-providers`}>Why, and how</a>
          </p>
        </div>
      )}
    </>
  );
}

function FeeNote({ total }: { total: Earnings['total'] }) {
  return (
    <>
      after a fee of <Money units={total.fee} />
      {total.refunded !== '0' && (
        <>
          , <Money units={total.refunded} /> given back
        </>
      )}
    </>
  );
}

type Row = Earnings['rows'][number];

function ShareTable({ earnings: { rows }, by }: { earnings: Earnings; by: EarningsBy }) {
  const shown = by === 'day' ? rows.toReversed() : rows;
  return (
    <Table
      caption={`Earned by ${by === 'provider' ? 'machine' : by}`}
      rows={shown}
      rowKey={({ key }) => key}
      empty={
        <Empty title={`No job has ended in these ${shownDays} days`}>
          What a job earned is here once it has ended.
        </Empty>
      }
      columns={[...firstColumns(by, rows), ...amountColumns]}
    />
  );
}

function firstColumns(by: EarningsBy, rows: readonly Row[]): Column<Row>[] {
  if (by === 'day')
    return [{ key: 'day', head: 'Day (UTC)', card: 'title', cell: ({ key }) => <span class="num">{key}</span> }];
  const machine = (id: string | undefined) =>
    id === undefined || id === '' ? (
      <span class="soft">–</span>
    ) : (
      <Link to={`/provider/${segment(id)}`}>
        <Untrusted text={id} max={40} />
      </Link>
    );
  if (by === 'provider') return [{ key: 'machine', head: 'Machine', card: 'title', cell: ({ key }) => machine(key) }];
  const short = shortIds(rows.map(({ key }) => key));
  return [
    { key: 'job', head: 'Job', card: 'title', cell: ({ key }) => <code title={key}>…{short.get(key)}</code> },
    { key: 'machine', head: 'Machine', cell: ({ provider_id: id }) => machine(id) },
    {
      key: 'to',
      head: 'Ended',
      cell: ({ to, pending }) =>
        to === undefined || pending !== '0' ? <span class="soft">runs</span> : <Time at={to} />,
    },
  ];
}

const dash = <span class="soft">–</span>;

const amountColumns: Column<Row>[] = [
  { key: 'time', head: 'Rented for', align: 'end', cell: ({ seconds }) => <Duration seconds={seconds} /> },
  { key: 'charged', head: 'Charged', align: 'end', cell: (row) => <Money units={earningsShare(row).charged} bare /> },
  { key: 'fee', head: 'Fee', align: 'end', cell: ({ fee }) => (fee === '0' ? dash : <Money units={fee} bare />) },
  {
    key: 'back',
    head: 'Given back',
    align: 'end',
    cell: ({ refunded }) => (refunded === '0' ? dash : <Money units={refunded} bare />),
  },
  { key: 'earned', head: 'You earn', align: 'end', cell: (row) => <Money units={earningsShare(row).net} /> },
];
