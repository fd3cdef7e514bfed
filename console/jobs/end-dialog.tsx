import type { Job } from '../../src/client/shapes.js';
import { nowMs, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Money, Untrusted } from '../parts/index.js';
import { endJob } from './actions.js';
import { CountingCost } from './counting-cost.js';
import { nameOf } from './job-name.js';
import { costInAll, spentNow, type Counted } from './spending.js';

interface EndDialogProps {
  of: Counted;
  onJob(job: Job): void;
  onClose(): void;
}

/** Asks before a job is ended: what is lost, and what is paid. */
export function EndDialog({ of, onJob, onClose }: EndDialogProps) {
  const { job } = of;
  const run = async () => {
    onJob(await endJob(job.job_id));
    toast(`${nameOf(job)} is ending.`, 'good');
  };
  return (
    <ActionDialog
      title={
        <>
          End <Untrusted text={nameOf(job)} max={40} />?
        </>
      }
      confirm="End job"
      danger
      run={run}
      onClose={onClose}
    >
      <p>Its container stops at once, and everything on its disk is deleted. Nobody can bring that back.</p>
      <Paid of={of} />
    </ActionDialog>
  );
}

function Paid({ of }: { of: Counted }) {
  const { job } = of;
  if (job.started_at === undefined) return <p>It has not started: nothing is paid.</p>;
  const total = costInAll(job);
  const back = total === undefined ? 0n : total - spentNow(of, nowMs());
  return (
    <p>
      You pay for the time until now: <CountingCost of={of} />.
      {back > 0n && (
        <>
          {' '}
          The rest of what is reserved, <Money units={back} />, goes back to your limit.
        </>
      )}
    </p>
  );
}
