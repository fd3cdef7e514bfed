import { useState } from 'preact/hooks';
import { shortIds } from '../../src/words/short-ids.js';
import { jobState } from '../../src/words/states.js';
import type { AdminJob } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { setQuery } from '../app/router.js';
import { canAct, token } from '../live/index.js';
import { jobTone } from '../parts/job-tone.js';
import {
  Age,
  Button,
  Card,
  Elapsed,
  Empty,
  Input,
  Loaded,
  plain,
  Price,
  Select,
  Skeleton,
  State,
  Table,
  Untrusted,
} from '../parts/index.js';
import { usePaged } from './as-operator.js';
import { EndJobSheet } from './end-job-sheet.js';
import { JobDetail } from './job-detail.js';
import { ageChoices, filterProblem, readFilter, statusChoices, writeFilter, type JobFilter } from './job-filter.js';
import { Filters, More, ProviderLink, viewTo, Wallet } from './parts.js';
import { isOver } from './stuck-words.js';

/** Jobs of all customers, or one of them. */
export function JobsView({ query }: { query: URLSearchParams }) {
  const jobId = query.get('job');
  if (jobId !== null && /^[0-9a-f-]{36}$/i.test(jobId)) return <JobDetail key={jobId} jobId={jobId} />;
  return <JobList filter={readFilter(query)} />;
}

function JobList({ filter }: { filter: JobFilter }) {
  const [ending, setEnding] = useState<string>();
  const { status, wallet, providerId, olderThanS } = filter;
  const asked = {
    ...(status === 'all' ? {} : { status }),
    ...(wallet === undefined ? {} : { wallet }),
    ...(providerId === undefined ? {} : { providerId }),
    ...(olderThanS === undefined ? {} : { olderThanS }),
  };
  const jobs = usePaged<AdminJob>(
    `jobs:${JSON.stringify(filter)}`,
    async (client, cursor) =>
      (await client.admin.jobs.list(asked).page(cursor)) as {
        items: AdminJob[];
        next?: string;
      },
    10_000,
  );
  return (
    <div class="stack">
      <JobFilters key={JSON.stringify(filter)} filter={filter} />
      <Card flush title="Jobs" aside={<Age of={jobs.first} />}>
        <Loaded of={jobs.first} skeleton={<Skeleton lines={6} height={2} />}>
          {() => <JobsTable rows={jobs.items} onEnd={setEnding} />}
        </Loaded>
        <More of={jobs} />
      </Card>
      {ending !== undefined && <EndJobSheet jobId={ending} onClose={() => setEnding(undefined)} />}
    </div>
  );
}

function JobFilters({ filter }: { filter: JobFilter }) {
  const [wallet, setWallet] = useState(filter.wallet ?? '');
  const [providerId, setProviderId] = useState(filter.providerId ?? '');
  const problem = filterProblem({ wallet });
  const go = (change: Partial<JobFilter>) => {
    const { wallet: of, provider, status, age } = writeFilter({ ...filter, ...change });
    setQuery({ wallet: of, provider, status, age });
  };
  const apply = () => {
    if (problem !== undefined) return;
    go({ wallet: wallet === '' ? undefined : wallet, providerId: providerId.trim() || undefined });
  };
  const isNarrowed = Object.keys(writeFilter(filter)).length > 0;
  return (
    <Filters
      onApply={apply}
      onClear={
        isNarrowed
          ? () => setQuery({ wallet: undefined, provider: undefined, status: undefined, age: undefined })
          : undefined
      }
    >
      <Input
        label="Wallet"
        class="typed"
        placeholder="0x…"
        value={wallet}
        error={problem}
        onInput={(value) => setWallet(value.trim())}
      />
      <Input label="Provider" value={providerId} onInput={setProviderId} />
      <Select
        label="State"
        value={filter.status}
        options={statusChoices.map(([value, label]) => ({ value, label }))}
        onChange={(status) => go({ status })}
      />
      <Select
        label="Age"
        value={filter.olderThanS === undefined ? '' : String(filter.olderThanS)}
        options={ageChoices.map(([value, label]) => ({ value, label }))}
        onChange={(age) => go({ olderThanS: age === '' ? undefined : Number(age) })}
      />
    </Filters>
  );
}

function JobsTable({ rows, onEnd }: { rows: readonly AdminJob[]; onEnd(jobId: string): void }) {
  const short = shortIds(rows.map(({ job_id: id }) => id));
  return (
    <Table
      caption="Jobs of all customers, newest first"
      rows={rows}
      rowKey={({ job_id: id }) => id}
      empty={<Empty title="No job is like that">Another state or age may have some.</Empty>}
      columns={[
        {
          key: 'job',
          head: 'Job',
          card: 'title',
          cell: ({ job_id: id, job_name: name }) => (
            <Link to={viewTo('jobs', { job: id })} title={id}>
              {name !== undefined && <Untrusted text={name} max={32} />} <code>…{short.get(id)}</code>
            </Link>
          ),
        },
        {
          key: 'state',
          head: 'State',
          cell: ({ status }) => (
            <State tone={jobTone(status)} glyph={jobState(status).glyph}>
              {jobState(status).word}
            </State>
          ),
        },
        { key: 'wallet', head: 'Customer', cell: ({ wallet }) => <Wallet address={wallet} /> },
        { key: 'provider', head: 'Provider', cell: (job) => <ProviderLink id={job.provider_id} /> },
        { key: 'gpus', head: 'GPUs', align: 'end', cell: ({ gpu_count: count }) => <span class="num">{count}</span> },
        {
          key: 'price',
          head: `${plain(token().symbol, 12)}/h`,
          align: 'end',
          cell: ({ price_per_hour: price }) => (price === undefined ? '–' : <Price perHour={price} bare />),
        },
        { key: 'age', head: 'Age', align: 'end', cell: ({ created_at: at }) => <Elapsed from={at} /> },
        {
          key: 'actions',
          head: '',
          card: 'actions',
          align: 'end',
          cell: ({ job_id: id, status }) =>
            isOver(status) ? null : (
              <Button size="s" kind="danger" disabled={!canAct.value} onClick={() => onEnd(id)}>
                End…
                <span class="hidden-text"> job {short.get(id)}</span>
              </Button>
            ),
        },
      ]}
    />
  );
}
