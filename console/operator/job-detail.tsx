import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { programText } from '../../src/words/program-text.js';
import { jobState } from '../../src/words/states.js';
import type { AdminJob, Routes } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { canAct } from '../live/index.js';
import { jobTone } from '../parts/job-tone.js';
import {
  Age,
  Badge,
  Button,
  Card,
  Loaded,
  Menu,
  Money,
  plain,
  Price,
  Skeleton,
  Time,
  Untrusted,
} from '../parts/index.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { useOperatorResource } from './as-operator.js';
import { BlockSheet } from './block-sheet.js';
import type { BlockKind } from './block-values.js';
import { EndJobSheet } from './end-job-sheet.js';
import { ProviderLink, viewTo, Wallet, WorkflowLink } from './parts.js';
import { RefundSheet } from './refund-sheet.js';
import { isOver } from './stuck-words.js';

type Failure = Routes['GET /api/v1/admin/jobs/:id/failure']['reply'];

/** One job of any customer: whose it is, where it runs, what it waits for or why it failed. */
export function JobDetail({ jobId }: { jobId: string }) {
  const [isEnding, setEnding] = useState(false);
  const [refunding, setRefunding] = useState<AdminJob>();
  const [blocking, setBlocking] = useState<{ kind: BlockKind; value: string }>();
  const job = useOperatorResource(
    `job:${jobId}`,
    async (client) => (await client.admin.jobs.get(jobId)) as unknown as AdminJob,
    5_000,
  );
  return (
    <div class="stack">
      <p>
        <Link to={viewTo('jobs')} class="small">
          ← All jobs
        </Link>
      </p>
      <Loaded of={job} skeleton={<Skeleton lines={8} height={2} />}>
        {(read) => (
          <>
            <Card
              title={<Heading job={read} />}
              aside={
                <>
                  <Age of={job} />
                  <WorkflowLink url={read.workflow_url} />
                  <Menu
                    size="s"
                    label="Block"
                    disabled={!canAct.value}
                    items={[
                      {
                        key: 'wallet',
                        label: 'Block its customer…',
                        danger: true,
                        act: () => setBlocking({ kind: 'wallet', value: read.wallet }),
                      },
                      {
                        key: 'image',
                        label: 'Block its image…',
                        danger: true,
                        act: () => setBlocking({ kind: 'image', value: read.image }),
                      },
                    ]}
                  />
                  {isOver(read.status) && BigInt(read.cost?.spent ?? 0) > 0n && (
                    <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setRefunding(read)}>
                      Refund…
                    </Button>
                  )}
                  {!isOver(read.status) && (
                    <Button size="s" kind="danger" disabled={!canAct.value} onClick={() => setEnding(true)}>
                      End…
                    </Button>
                  )}
                </>
              }
            >
              <Facts job={read} />
            </Card>
            {read.status === 'failed' && <FailureCard jobId={jobId} />}
          </>
        )}
      </Loaded>
      {isEnding && <EndJobSheet jobId={jobId} onClose={() => setEnding(false)} />}
      {refunding !== undefined && <RefundSheet job={refunding} onClose={() => setRefunding(undefined)} />}
      {blocking !== undefined && <BlockSheet given={blocking} onClose={() => setBlocking(undefined)} />}
    </div>
  );
}

function Heading({ job: { job_id: id, job_name: name, status } }: { job: AdminJob }) {
  const { glyph, word } = jobState(status);
  return (
    <span class="row">
      <span>
        {name === undefined ? 'Job' : <Untrusted text={name} max={40} />} <code>…{id.slice(-4)}</code>
      </span>
      <Badge tone={jobTone(status)} glyph={glyph}>
        {word}
      </Badge>
    </span>
  );
}

function Facts({ job }: { job: AdminJob }) {
  const time = (at: string | undefined) => (at === undefined ? <span class="soft">–</span> : <Time at={at} />);
  const facts: [string, ComponentChildren][] = [
    [
      'Id',
      <span class="with-copy">
        <code>{plain(job.job_id)}</code>
        <CopyIcon text={job.job_id} what="the id of the job" />
      </span>,
    ],
    ['Customer', <Wallet address={job.wallet} />],
    ['Provider', <ProviderLink id={job.provider_id} />],
    ['Step', plain(job.phase).replaceAll('_', ' ')],
    ['Message', job.message === undefined ? '–' : <Untrusted text={job.message} max={300} />],
    [
      'GPUs',
      <>
        {job.gpu_count} × <Untrusted text={job.gpu_model ?? job.gpu_type ?? 'any'} max={40} />
      </>,
    ],
    ['Room', `${job.cpu_cores} cores, ${job.memory_gb} GB, ${job.storage_gb} GB disk`],
    [
      'Image',
      <code>
        <Untrusted text={job.image} max={120} />
      </code>,
    ],
    ...(job.program === undefined
      ? []
      : [
          ['Main program', <Untrusted text={programText(job.program)} max={120} />] satisfies [
            string,
            ComponentChildren,
          ],
        ]),
    ['Price', job.price_per_hour === undefined ? '–' : <Price perHour={job.price_per_hour} />],
    ['Spent', job.cost === undefined ? '–' : <Money units={job.cost.spent} />],
    ['Receipts', <Link to={viewTo('receipts', { job: job.job_id })}>of this job</Link>],
    ['Ordered', time(job.created_at)],
    ['Started', time(job.started_at)],
    [job.ended_at === undefined ? 'Ends' : 'Ended', time(job.ended_at ?? job.expires_at)],
    [
      'Pod',
      job.pod === undefined ? (
        '–'
      ) : (
        <code>
          <Untrusted text={`${job.pod.namespace}/${job.pod.name}`} max={120} />
        </code>
      ),
    ],
    [
      'Node',
      job.pod === undefined ? (
        '–'
      ) : (
        <code>
          <Untrusted text={job.pod.node} max={64} />
        </code>
      ),
    ],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Why it failed: what the customer is told, and what Kubernetes said. */
function FailureCard({ jobId }: { jobId: string }) {
  const failure = useOperatorResource(
    `failure:${jobId}`,
    async (client) => (await client.admin.jobs.failure(jobId)) as unknown as Failure,
  );
  return (
    <Card title="Why it failed">
      <Loaded of={failure} skeleton={<Skeleton lines={2} />}>
        {({ failure_reason: code, failure_message: told, kubernetes_said: said }) => (
          <dl class="facts">
            <div>
              <dt>Code</dt>
              <dd>
                <code>{plain(code)}</code>
              </dd>
            </div>
            <div>
              <dt>Its customer reads</dt>
              <dd>
                <Untrusted text={told ?? '–'} max={500} />
              </dd>
            </div>
            <div>
              <dt>Kubernetes said</dt>
              <dd>
                <Untrusted text={said ?? '–'} max={500} />
              </dd>
            </div>
          </dl>
        )}
      </Loaded>
    </Card>
  );
}
