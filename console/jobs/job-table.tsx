import { useState } from 'preact/hooks';
import type { Job } from '../../src/client/shapes.js';
import { durationText } from '../../src/words/durations.js';
import { gpusText } from '../../src/words/gpu-text.js';
import { priceText } from '../../src/words/money.js';
import { shortIds } from '../../src/words/short-ids.js';
import { segment } from '../app/match.js';
import { Link } from '../app/link.js';
import { nowMs, second, token } from '../live/index.js';
import { Money, plain, Table, Time, Untrusted, type Column } from '../parts/index.js';
import { CountingCost } from './counting-cost.js';
import { EndDialog } from './end-dialog.js';
import { JobState } from './job-badge.js';
import { JobMenu } from './job-menu.js';
import { nameOf } from './job-name.js';
import type { OpenFor } from './open-for.js';
import { RenameDialog } from './rename-dialog.js';
import type { Counted } from './spending.js';
import { UntilDialog } from './until-dialog.js';

const nothing = () => undefined;

/** The columns of `wl ls`, with a menu for each job. */
export function JobTable({ rows }: { rows: readonly Counted[] }) {
  const [open, setOpen] = useState<OpenFor>();
  const short = shortIds(rows.map(({ job }) => job.job_id));
  const of = rows.find(({ job }) => job.job_id === open?.id);
  const close = () => setOpen(undefined);
  return (
    <div class="job-rows">
      <Table caption="Your jobs" rows={rows} rowKey={({ job }) => job.job_id} columns={columns(short, setOpen)} />
      {of !== undefined && open?.kind === 'end' && <EndDialog of={of} onJob={nothing} onClose={close} />}
      {of !== undefined && open?.kind === 'until' && <UntilDialog job={of.job} onJob={nothing} onClose={close} />}
      {of !== undefined && open?.kind === 'rename' && <RenameDialog job={of.job} onJob={nothing} onClose={close} />}
    </div>
  );
}

function columns(short: ReadonlyMap<string, string>, onOpen: (open: OpenFor) => void): Column<Counted>[] {
  const symbol = plain(token().symbol, 12);
  return [
    { key: 'name', head: 'Job', card: 'title', cell: ({ job }) => <Name job={job} /> },
    { key: 'state', head: 'State', cell: ({ job }) => <JobState status={job.status} /> },
    {
      key: 'gpu',
      head: 'GPU',
      cell: ({ job }) => <Untrusted text={gpusText(job.gpu_count, job.gpu_model, job.gpu_type)} max={40} />,
    },
    { key: 'cost', head: `Cost ${symbol}`, align: 'end', cell: (row) => <Cost of={row} /> },
    {
      key: 'price',
      head: `${symbol}/h`,
      align: 'end',
      cell: ({ job }) => <span class="num">{priceText(job.price_per_hour)}</span>,
    },
    { key: 'ends', head: 'Ends', cell: ({ job }) => <Ends job={job} /> },
    {
      key: 'machine',
      head: 'Machine',
      cell: ({ job }) => (job.provider_id === undefined ? '–' : <Untrusted text={job.provider_id} max={24} />),
    },
    {
      key: 'id',
      head: 'Id',
      card: 'hidden',
      cell: ({ job }) => <code title={job.job_id}>{short.get(job.job_id)}</code>,
    },
    { key: 'menu', head: '', card: 'actions', cell: (row) => <JobMenu of={row} onOpen={onOpen} /> },
  ];
}

function Name({ job }: { job: Job }) {
  return (
    <Link to={`/jobs/${segment(job.job_id)}`} class="job-link">
      <Untrusted text={nameOf(job)} max={40} />
    </Link>
  );
}

function Cost({ of }: { of: Counted }) {
  const { status, cost, started_at: startedAt } = of.job;
  if (cost === undefined || startedAt === undefined) return <>–</>;
  return status === 'running' ? <CountingCost of={of} bare /> : <Money units={cost.spent} bare />;
}

/** When a job ends, or has ended. */
function Ends({ job }: { job: Job }) {
  void second.value;
  if (job.ended_at !== undefined) return <Time at={job.ended_at} />;
  if (job.status !== 'running' || job.expires_at === undefined) return <>–</>;
  const leftS = (Date.parse(job.expires_at) - nowMs()) / 1000;
  return (
    <time class="num" dateTime={job.expires_at} title={new Date(job.expires_at).toLocaleString('en-GB')}>
      in {durationText(leftS)}
    </time>
  );
}
