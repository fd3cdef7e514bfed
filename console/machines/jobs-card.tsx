import { useState } from 'preact/hooks';
import { shortIds } from '../../src/words/short-ids.js';
import { jobState } from '../../src/words/states.js';
import type { ProviderJobs } from '../../src/client/types.generated.js';
import { broker, login, token, useResource } from '../live/index.js';
import {
  Card,
  Countdown,
  Empty,
  Loaded,
  Money,
  plain,
  Price,
  Segmented,
  Skeleton,
  State,
  Table,
  Time,
} from '../parts/index.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { jobTone } from '../parts/job-tone.js';

type ProviderJob = ProviderJobs['jobs'][number];

const mostJobs = 100;

/** Who rents a machine now, or has: what an owner may know of a job, which is neither whose it is nor what it runs. */
export function JobsCard({ id }: { id: string }) {
  const [which, setWhich] = useState<'active' | 'all'>('active');
  const jobs = useResource(
    `machines:${login.value?.wallet ?? ''}:jobs:${id}:${which}`,
    async () => await broker().providers.jobs(id, { status: which }).all(mostJobs),
    { everyMs: 10_000 },
  );
  return (
    <Card
      flush
      title="Jobs"
      aside={
        <Segmented
          label="Which jobs"
          value={which}
          options={[
            { value: 'active', label: 'now' },
            { value: 'all', label: 'all' },
          ]}
          onChange={(value) => setWhich(value as 'active' | 'all')}
        />
      }
    >
      <Loaded of={jobs} skeleton={<Skeleton lines={3} height={2} />}>
        {(rows) => (
          <>
            <JobsTable rows={rows} isActive={which === 'active'} />
            {rows.length === mostJobs && (
              <p class="small soft card-note">The newest {mostJobs}; the CSV below has all.</p>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

function JobsTable({ rows, isActive }: { rows: readonly ProviderJob[]; isActive: boolean }) {
  const short = shortIds(rows.map(({ job_id: id }) => id));
  return (
    <Table
      caption={isActive ? 'Jobs that run now' : 'Jobs, newest first'}
      rows={rows}
      rowKey={({ job_id: id }) => id}
      empty={
        <Empty title={isActive ? 'Nobody rents it now' : 'Nobody has rented it yet'}>
          {isActive ? 'Jobs appear here as they are placed.' : 'Its price beside the market’s may say why.'}
        </Empty>
      }
      columns={[
        {
          key: 'id',
          head: 'Job',
          card: 'title',
          cell: ({ job_id: id }) => (
            <span class="with-copy">
              <code title={id}>…{short.get(id)}</code>
              <CopyIcon text={id} what="the id of the job" />
            </span>
          ),
        },
        {
          key: 'state',
          head: 'State',
          cell: ({ status }) => {
            const { glyph, word } = jobState(status);
            return (
              <State tone={jobTone(status)} glyph={glyph}>
                {word}
              </State>
            );
          },
        },
        { key: 'gpus', head: 'GPUs', align: 'end', cell: ({ gpu_count: count }) => <span class="num">{count}</span> },
        {
          key: 'started',
          head: 'Started',
          cell: ({ started_at: at }) => (at === undefined ? <span class="soft">not yet</span> : <Time at={at} />),
        },
        {
          key: 'ends',
          head: isActive ? 'Ends in' : 'Ended',
          cell: ({ expires_at: end, ended_at: ended }) =>
            ended !== undefined ? (
              <Time at={ended} />
            ) : end === undefined ? (
              <span class="soft">–</span>
            ) : (
              <Countdown to={end} />
            ),
        },
        {
          key: 'price',
          head: `${plain(token().symbol, 12)}/h`,
          align: 'end',
          cell: ({ price_per_hour: price }) => (price === undefined ? '–' : <Price perHour={price} bare />),
        },
        { key: 'earned', head: 'Earned', align: 'end', cell: ({ earned }) => <Money units={earned} bare /> },
        { key: 'held', head: 'Held', align: 'end', cell: ({ pending }) => <Money units={pending} bare /> },
      ]}
    />
  );
}
