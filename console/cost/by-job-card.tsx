import { useState } from 'preact/hooks';
import type { Billing } from '../../src/client/types.generated.js';
import { durationText } from '../../src/words/durations.js';
import { gpuText } from '../../src/words/gpu-text.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { setQuery } from '../app/router.js';
import { nameOf } from '../jobs/job-name.js';
import {
  Button,
  Card,
  Loaded,
  Money,
  Segmented,
  Skeleton,
  Table,
  Time,
  Untrusted,
  type Column,
} from '../parts/index.js';
import type { DayRange } from './range.js';
import { SaveBill } from './save-bill.js';
import { useBill } from './use-bill.js';

type BillingRow = Billing['rows'][number];

/** What each job, or each machine, has cost. */
export function ByJobCard({ range, by }: { range: DayRange; by: 'job' | 'provider' }) {
  const [pages, setPages] = useState(1);
  const bill = useBill(by, range, pages);
  return (
    <Card
      title={by === 'job' ? 'By job' : 'By machine'}
      aside={
        <>
          <Segmented
            label="Rows"
            value={by}
            options={[
              { value: 'job', label: 'Jobs' },
              { value: 'provider', label: 'Machines' },
            ]}
            onChange={(value) => setQuery({ by: value === 'job' ? undefined : value })}
          />
          <SaveBill by={by} range={range} />
        </>
      }
      flush
    >
      <Loaded of={bill} skeleton={<Skeleton lines={4} height={2.75} />}>
        {({ rows, hasMore }) => (
          <>
            <Table
              caption={by === 'job' ? 'Cost by job' : 'Cost by machine'}
              rows={rows}
              rowKey={({ key }) => key}
              columns={by === 'job' ? jobColumns : machineColumns}
              empty={<p class="soft cost-none">No job in these days.</p>}
            />
            {hasMore && (
              <p class="row cost-more">
                <Button onClick={() => setPages(pages + 1)}>Show more</Button>
              </p>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

const amounts: Column<BillingRow>[] = [
  {
    key: 'time',
    head: 'Paid for',
    align: 'end',
    cell: ({ seconds }) => <span class="num">{durationText(seconds)}</span>,
  },
  { key: 'reserved', head: 'Reserved', align: 'end', cell: ({ reserved }) => <Amount units={reserved} /> },
  { key: 'spent', head: 'Spent', align: 'end', cell: ({ spent }) => <Money units={spent} /> },
];

function Amount({ units }: { units: string }) {
  return units === '0' ? <span class="soft">–</span> : <Money units={units} bare />;
}

const jobColumns: Column<BillingRow>[] = [
  {
    key: 'job',
    head: 'Job',
    card: 'title',
    cell: ({ key, name }) => (
      <Link to={`/jobs/${segment(key)}`}>
        <Untrusted text={nameOf({ job_id: key, job_name: name })} max={40} />
      </Link>
    ),
  },
  {
    key: 'gpu',
    head: 'GPU',
    cell: ({ gpu_type: type }) => (type === undefined ? '–' : <Untrusted text={gpuText(undefined, type)} />),
  },
  {
    key: 'machine',
    head: 'Machine',
    cell: ({ provider_id: id }) => (id === undefined ? '–' : <Untrusted text={id} max={32} />),
  },
  { key: 'from', head: 'Started', cell: ({ from }) => (from === undefined ? '–' : <Time at={from} />) },
  {
    key: 'to',
    head: 'Ended',
    // Of a job that has not ended, the broker says when it is to.
    cell: ({ to, reserved }) =>
      to === undefined || reserved !== '0' ? <span class="soft">not yet</span> : <Time at={to} />,
  },
  ...amounts,
];

const machineColumns: Column<BillingRow>[] = [
  {
    key: 'machine',
    head: 'Machine',
    card: 'title',
    cell: ({ key }) => (key === '' ? <span class="soft">not placed yet</span> : <Untrusted text={key} max={40} />),
  },
  { key: 'jobs', head: 'Jobs', align: 'end', cell: ({ jobs }) => <span class="num">{jobs}</span> },
  ...amounts,
];
