import { useState } from 'preact/hooks';
import { shortIds } from '../../src/words/short-ids.js';
import type { Earnings } from '../../src/client/types.generated.js';
import { broker, login, nowMs, useResource } from '../live/index.js';
import { Card, Duration, Empty, Loaded, Money, Segmented, Skeleton, Stats, Table, Time } from '../parts/index.js';
import { SaveCsv } from '../parts/save-csv.js';
import { EarnedBars } from './earned-bars.js';
import { dayOf, earnedDays, earnedIn } from './earned-days.js';
import { earningsShare } from './earnings-share.js';
import { Earned } from './totals.js';

const shownDays = 30;
const fromDay = () => dayOf(nowMs() - (shownDays - 1) * 86_400_000);

/** What one machine has earned in 30 days, by day or by job. */
export function EarningsCard({ id }: { id: string }) {
  const [by, setBy] = useState<'day' | 'job'>('day');
  const earnings = useResource(
    `earnings:${login.value?.wallet ?? ''}:${id}:${by}`,
    async () => (await broker().providers.earnings(id, { by, from: fromDay() })) as unknown as Earnings,
    { everyMs: 60_000 },
  );
  return (
    <Card
      title="Earned"
      aside={
        <>
          <SaveCsv
            path={`/api/v1/providers/${encodeURIComponent(id)}/earnings`}
            query={{ by, from: fromDay() }}
            name={`earnings-by-${by}-${dayOf(nowMs())}.csv`}
          />
          <Segmented
            label="By"
            value={by}
            options={[
              { value: 'day', label: 'by day' },
              { value: 'job', label: 'by job' },
            ]}
            onChange={(value) => setBy(value as 'day' | 'job')}
          />
        </>
      }
    >
      <Loaded of={earnings} skeleton={<Skeleton lines={3} height={3} />}>
        {(read) => (read.by === 'job' ? <ByJob earnings={read} /> : <ByDay earnings={read} />)}
      </Loaded>
    </Card>
  );
}

function ByDay({ earnings: { rows, total } }: { earnings: Earnings }) {
  const days = earnedDays(rows, { nowMs: nowMs(), days: shownDays });
  return (
    <div class="stack">
      <Stats>
        <Earned label="Today (UTC)" units={earnedIn(days.slice(-1))} />
        <Earned label="Last 30 days" units={earnedIn(days)} />
        <Earned label="Held for running jobs" units={total.pending} />
      </Stats>
      <EarnedBars days={days} />
    </div>
  );
}

function ByJob({ earnings: { rows, next_cursor: next } }: { earnings: Earnings }) {
  const short = shortIds(rows.map(({ key }) => key));
  return (
    <>
      <Table
        caption="Earned by job"
        rows={rows}
        rowKey={({ key }) => key}
        empty={
          <Empty title="No job has ended in these 30 days">What a job has earned is here once it has ended.</Empty>
        }
        columns={[
          { key: 'job', head: 'Job', card: 'title', cell: ({ key }) => <code title={key}>…{short.get(key)}</code> },
          {
            key: 'to',
            head: 'Ended',
            cell: ({ to }) => (to === undefined ? <span class="soft">runs</span> : <Time at={to} />),
          },
          { key: 'time', head: 'Rented for', align: 'end', cell: ({ seconds }) => <Duration seconds={seconds} /> },
          { key: 'earned', head: 'Earned', align: 'end', cell: (row) => <Money units={earningsShare(row).net} bare /> },
          { key: 'held', head: 'Held', align: 'end', cell: ({ pending }) => <Money units={pending} bare /> },
        ]}
      />
      {next !== undefined && <p class="small soft card-note">There are more; the CSV has all of them.</p>}
    </>
  );
}
