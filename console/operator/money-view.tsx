import { useState } from 'preact/hooks';
import type { Revenue } from '../../src/client/types.generated.js';
import { setQuery } from '../app/router.js';
import { canAct, nowMs } from '../live/index.js';
import {
  Button,
  Card,
  Empty,
  Loaded,
  Money,
  Segmented,
  Skeleton,
  Stat,
  Stats,
  Table,
  Time,
  Untrusted,
} from '../parts/index.js';
import { SaveCsv } from '../parts/save-csv.js';
import { monthInWords } from '../cost/months.js';
import { dayInWords } from '../parts/times.js';
import { useOperatorResource } from './as-operator.js';
import { BooksCard } from './books-card.js';
import { ByHandSheet, type ByHandKind } from './by-hand-sheet.js';
import { Wallet } from './parts.js';
import { byMonth, firstDay, revenueSums, type RevenueBy } from './revenue-rows.js';
import { RevenueBars } from './revenue-bars.js';

const everyMs = 60_000;

const choices: readonly { value: RevenueBy; label: string }[] = [
  { value: 'day', label: 'days' },
  { value: 'month', label: 'months' },
  { value: 'provider', label: 'machines' },
  { value: 'gpu_type', label: 'GPU types' },
];

/** A sheet that is open, and at which row. */
interface Sheet {
  kind: ByHandKind;
  given?: { wallet: string; open: string };
}

/** What the platform keeps, who owes it what and whom it owes, and whether the books agree. */
export function MoneyView({ query }: { query: URLSearchParams }) {
  const [sheet, setSheet] = useState<Sheet>();
  const by = choices.find(({ value }) => value === query.get('by'))?.value ?? 'day';
  const asked = { by: by === 'month' ? ('day' as const) : by, from: firstDay(by, nowMs()) };
  const revenue = useOperatorResource(
    `revenue:${asked.by}:${asked.from}`,
    (client) => client.admin.money.revenue(asked),
    everyMs,
  );
  return (
    <>
      <Loaded of={revenue} skeleton={<Skeleton lines={4} height={6} />}>
        {(read) => (
          <div class="stack loose">
            <Figures revenue={read} by={by} />
            <BooksCard ledger={read.ledger} />
            <RevenueCard revenue={read} by={by} from={asked.from} />
            <Debtors revenue={read} onSheet={setSheet} />
            <Creditors revenue={read} onSheet={setSheet} />
          </div>
        )}
      </Loaded>
      {/* Outside: a reading of another day, or of another session, must not take away what somebody is writing. */}
      {sheet !== undefined && <ByHandSheet {...sheet} onClose={() => setSheet(undefined)} />}
    </>
  );
}

function Figures({ revenue: { rows, standing }, by }: { revenue: Revenue; by: RevenueBy }) {
  const { fees, charged, refunded, jobs } = revenueSums(rows);
  return (
    <Stats>
      <Stat
        label={by === 'month' ? 'Fees in 12 months' : 'Fees in 31 days'}
        value={<Money units={fees} />}
        note={
          <>
            of <Money units={charged} /> charged for {jobs} {jobs === 1 ? 'job' : 'jobs'}
            {refunded > 0n && (
              <>
                , <Money units={refunded} /> refunded
              </>
            )}
          </>
        }
      />
      <Stat
        label="Customers owe"
        value={<Money units={standing.customers_owe} />}
        note={
          <>
            and hold <Money units={standing.customers_hold} /> paid in advance
          </>
        }
      />
      <Stat
        label="To pay to providers"
        value={<Money units={standing.owed_to_providers} />}
        note={
          standing.providers_owe === '0' ? (
            <>
              and <Money units={standing.unclaimed} /> wait for a proven wallet
            </>
          ) : (
            <>
              providers owe <Money units={standing.providers_owe} />, refunded after it was paid out
            </>
          )
        }
      />
      <Stat label="Fees of all time" value={<Money units={standing.fees} />} note="refunds taken off" />
    </Stats>
  );
}

function RevenueCard({ revenue, by, from }: { revenue: Revenue; by: RevenueBy; from: string }) {
  const rows = by === 'month' ? byMonth(revenue.rows) : revenue.rows;
  return (
    <Card
      title="Revenue"
      aside={
        <>
          <Segmented
            label="By"
            value={by}
            options={choices}
            onChange={(value) => setQuery({ by: value === 'day' ? undefined : value })}
          />
          <SaveCsv
            path="/api/v1/admin/revenue"
            query={{ by: revenue.by, from }}
            name={`revenue-by-${revenue.by}-${from}.csv`}
            as="operator"
            rows={by === 'month' ? 'the days' : undefined}
          />
        </>
      }
      flush
    >
      {by === 'day' && rows.length > 0 && <RevenueBars rows={rows} from={from} />}
      <Table
        caption="What was charged, kept and given back"
        rows={rows}
        rowKey={({ key }) => key}
        empty={<Empty title="Nothing was charged in this time">A job counts when it has ended and is settled.</Empty>}
        columns={[
          { key: 'key', head: headOf[by], card: 'title', cell: ({ key }) => keyText(by, key) },
          { key: 'jobs', head: 'Jobs', align: 'end', cell: ({ jobs }) => <span class="num">{jobs}</span> },
          { key: 'charged', head: 'Charged', align: 'end', cell: ({ charged }) => <Money units={charged} /> },
          {
            key: 'refunded',
            head: 'Refunded',
            align: 'end',
            cell: ({ refunded }) => (refunded === '0' ? <span class="soft">–</span> : <Money units={refunded} />),
          },
          { key: 'fees', head: 'Fees', align: 'end', cell: ({ fees }) => <Money units={fees} /> },
        ]}
      />
    </Card>
  );
}

const headOf: Record<RevenueBy, string> = {
  ...{ day: 'Day (UTC)', month: 'Month (UTC)', provider: 'Machine', gpu_type: 'GPU type' },
};

function keyText(by: RevenueBy, key: string) {
  if (by === 'day') return <span title={key}>{dayInWords(key)}</span>;
  if (by === 'month') return monthInWords(key);
  return key === '' ? <span class="soft">none</span> : <Untrusted text={key} max={60} />;
}

interface StandingProps {
  revenue: Revenue;
  onSheet(sheet: Sheet): void;
}

function Debtors({ revenue: { debtors }, onSheet }: StandingProps) {
  return (
    <Card
      title="Customers who owe"
      aside={
        <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => onSheet({ kind: 'payment' })}>
          Record a payment…
        </Button>
      }
      flush
    >
      <Table
        caption="Customers who owe, the largest sum first"
        rows={debtors}
        rowKey={({ wallet }) => wallet}
        empty={<Empty title="No customer owes anything">What was charged and is not paid stands here.</Empty>}
        columns={[
          { key: 'wallet', head: 'Wallet', card: 'title', cell: ({ wallet }) => <Wallet address={wallet} /> },
          { key: 'since', head: 'Since', cell: ({ since }) => <Time at={since} /> },
          { key: 'owed', head: 'Owes', align: 'end', cell: ({ owed }) => <Money units={owed} /> },
          {
            key: 'paid',
            head: '',
            card: 'actions',
            cell: ({ wallet, owed }) => (
              <Button
                size="s"
                disabled={!canAct.value}
                aria-haspopup="dialog"
                onClick={() => onSheet({ kind: 'payment', given: { wallet, open: owed } })}
              >
                It paid…
              </Button>
            ),
          },
        ]}
      />
    </Card>
  );
}

function Creditors({ revenue: { creditors, standing }, onSheet }: StandingProps) {
  return (
    <Card
      title="Providers to be paid"
      aside={
        <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => onSheet({ kind: 'payout' })}>
          Record a payout…
        </Button>
      }
      flush
    >
      <Table
        caption="Wallets of providers with what they have to come, the largest sum first"
        rows={creditors}
        rowKey={({ wallet }) => wallet}
        empty={
          <Empty title="No provider has anything to come">
            Earnings stand here once the owner’s wallet is proven and a job has ended.
          </Empty>
        }
        columns={[
          { key: 'wallet', head: 'Wallet', card: 'title', cell: ({ wallet }) => <Wallet address={wallet} /> },
          { key: 'payable', head: 'To come', align: 'end', cell: ({ payable }) => <Money units={payable} /> },
          {
            key: 'pay',
            head: '',
            card: 'actions',
            cell: ({ wallet, payable }) => (
              <Button
                size="s"
                disabled={!canAct.value}
                aria-haspopup="dialog"
                onClick={() => onSheet({ kind: 'payout', given: { wallet, open: payable } })}
              >
                I paid it…
              </Button>
            ),
          },
        ]}
      />
      {standing.unclaimed !== '0' && (
        <p class="small soft card-note">
          <Money units={standing.unclaimed} /> more wait until their machines’ wallets are proven: nobody is paid on an
          address that is only named.
        </p>
      )}
    </Card>
  );
}
