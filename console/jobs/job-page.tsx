import { useEffect, useRef, useState } from 'preact/hooks';
import { isFinal } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { gpusText } from '../../src/words/gpu-text.js';
import { jobState } from '../../src/words/states.js';
import { Link } from '../app/link.js';
import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import { canAct, login } from '../live/index.js';
import {
  Button,
  Card,
  ConnectFirst,
  Copy,
  Empty,
  LinkButton,
  Loaded,
  shortAddress,
  Skeleton,
  Untrusted,
} from '../parts/index.js';
import { AwayNote } from './away-note.js';
import { EndDialog } from './end-dialog.js';
import { EndedCard } from './ended-card.js';
import { EndpointsCard } from './endpoints-card.js';
import { EventList } from './event-list.js';
import { FactsCard } from './facts-card.js';
import { JobState } from './job-badge.js';
import { mayEnd } from './job-list.js';
import { nameOf } from './job-name.js';
import { LogCard, mayHaveLog } from './log-card.js';
import { LoginCard } from './login-card.js';
import { RenameDialog } from './rename-dialog.js';
import type { Counted } from './spending.js';
import { StartCard } from './start-card.js';
import { TimeCard } from './time-card.js';
import { UseCard } from './use-card.js';
import { counted, useJob, type WatchedJob } from './use-job.js';

/** One job, from its order to what it cost. */
export default function JobPage({ params: { id = '' } }: PageProps) {
  if (login.value === undefined) {
    return (
      <>
        <PageHead title="Job" />
        <ConnectFirst what="Jobs" />
      </>
    );
  }
  return <Watched key={login.value.wallet} id={id} />;
}

function Watched({ id }: { id: string }) {
  const watched = useJob(id);
  const { data, error } = watched.job;
  if (error?.code === 'job_not_found') return <NotFound />;
  if (data === undefined) {
    return (
      <>
        <PageHead title="Job" />
        <Loaded of={watched.job} skeleton={<Skeleton lines={4} height={5} />}>
          {() => null}
        </Loaded>
      </>
    );
  }
  return (
    <>
      <p class="small job-back">
        <Link to="/jobs">← Jobs</Link>
      </p>
      <Head of={data} onJob={(job) => watched.job.put(counted(job))} />
      <Loaded of={watched.job}>{(of) => <Body of={of} watched={watched} />}</Loaded>
    </>
  );
}

/** A job of somebody else looks the same as one that does not exist: the broker tells nobody which it is. */
function NotFound() {
  const wallet = login.value?.wallet;
  return (
    <>
      <PageHead title="No such job" />
      <Empty title="Your wallet has no job with this id" action={<LinkButton to="/jobs">Your jobs</LinkButton>}>
        The address may be cut off, or the job may belong to another wallet
        {wallet === undefined ? '' : ` than ${shortAddress(wallet)}`}.
      </Empty>
    </>
  );
}

type Open = 'end' | 'rename' | undefined;

function Head({ of, onJob }: { of: Counted; onJob(job: Job): void }) {
  const { job } = of;
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  useFocusKept(mayEnd(job));
  return (
    <PageHead
      // Who waits in another tab for the start reads it there.
      title={`${nameOf(job)}, ${jobState(job.status).word}`}
      heading={
        <span class="job-title">
          <Untrusted text={nameOf(job)} max={60} /> <JobState status={job.status} badge />
        </span>
      }
      lead={<Lead job={job} />}
    >
      <Button disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setOpen('rename')}>
        Rename…
      </Button>
      {mayEnd(job) && (
        <Button kind="danger" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setOpen('end')}>
          End…
        </Button>
      )}
      {open === 'rename' && <RenameDialog job={job} onJob={onJob} onClose={close} />}
      {open === 'end' && <EndDialog of={of} onJob={onJob} onClose={close} />}
    </PageHead>
  );
}

/** The button that ended the job goes with it, and would take the focus along. */
function useFocusKept(isThere: boolean): void {
  const wasThere = useRef(isThere);
  useEffect(() => {
    if (wasThere.current && !isThere && document.activeElement === document.body)
      document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
    wasThere.current = isThere;
  }, [isThere]);
}

function Lead({ job }: { job: Job }) {
  return (
    <span class="job-lead">
      <Untrusted text={gpusText(job.gpu_count, job.gpu_model, job.gpu_type)} />
      {job.provider_id !== undefined && (
        <span>
          on <Untrusted text={job.provider_id} />
        </span>
      )}
      <span class="row job-id">
        <span>
          id <code title={job.job_id}>…{job.job_id.slice(-4)}</code>
        </span>
        <Copy text={job.job_id} what="the id of the job" />
      </span>
    </span>
  );
}

function Body({ of, watched }: { of: Counted; watched: WatchedJob }) {
  const { job } = of;
  const log = watched.events.data ?? [];
  const onJob = (changed: Job) => watched.job.put(counted(changed));
  const isOver = isFinal(job.status);
  return (
    <div class="stack loose">
      <AwayNote job={job} events={log} />
      {(job.status === 'pending' || job.status === 'provisioning') && <StartCard job={job} events={log} />}
      {job.status === 'running' && (
        <div class="job-run">
          <LoginCard job={job} />
          <TimeCard of={of} onJob={onJob} />
        </div>
      )}
      {job.status === 'ending' && (
        <Card title="Ending">
          <p>Its container is being removed. Nothing more is paid.</p>
        </Card>
      )}
      {job.status === 'running' && <EndpointsCard job={job} />}
      {job.status === 'running' && <UseCard job={job} />}
      {isOver && <EndedCard job={job} />}
      {mayHaveLog(job) && <LogCard job={job} />}
      <div class="job-run job-past">
        <EventList events={watched.events} isOver={isOver} />
        <FactsCard job={job} events={log} />
      </div>
    </div>
  );
}
