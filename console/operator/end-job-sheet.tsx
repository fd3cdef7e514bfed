import { useState } from 'preact/hooks';
import { actAsOperator, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Loaded, shortAddress, Skeleton, Untrusted } from '../parts/index.js';
import { useOperatorResource } from './as-operator.js';
import { ReasonField } from './reason-field.js';
import { reasonProblem } from './stuck-words.js';

interface EndJobSheetProps {
  jobId: string;
  onClose(): void;
}

/** How long the page waits for the end itself; after that the job is ending, and its row says so. */
const waitS = 10;

/** Ends a job of any customer, with the words that the customer reads. */
export function EndJobSheet({ jobId, onClose }: EndJobSheetProps) {
  const [reason, setReason] = useState('');
  const job = useOperatorResource(`job:${jobId}`, (client) => client.admin.jobs.get(jobId));
  const problem = reasonProblem(reason);
  const run = async () => {
    const ended = await actAsOperator((client) => client.admin.jobs.end(jobId, { reason: reason.trim(), wait: waitS }));
    toast(
      ended.status === 'ending'
        ? 'The job is ending; its customer reads why.'
        : 'The job has ended; its customer reads why.',
      'good',
    );
    refresh('operator');
  };
  return (
    <ActionDialog
      title={
        <>
          End job <code>…{jobId.slice(-4)}</code>
        </>
      }
      confirm="End the job"
      danger
      disabled={problem !== undefined}
      waitsFor={job.data === undefined && job.error === undefined ? 'The job is being read.' : undefined}
      run={run}
      onClose={onClose}
    >
      <Loaded of={job} skeleton={<Skeleton lines={1} />}>
        {({ job_name: name, wallet, provider_id: provider }) => (
          <p>
            {name === undefined ? 'It' : <Untrusted text={name} max={40} />} belongs to{' '}
            <span class="mono" title={wallet}>
              {shortAddress(wallet)}
            </span>
            {provider !== undefined && (
              <>
                {' '}
                and is on <Untrusted text={provider} max={40} />
              </>
            )}
            . What was served is paid for, and the rest is released.
          </p>
        )}
      </Loaded>
      <ReasonField
        label="Reason"
        hint={
          <>
            Its customer reads: “an operator ended it:{' '}
            {reason.trim() === '' ? '…' : <Untrusted text={reason.trim()} max={200} />}”
          </>
        }
        value={reason}
        autoFocus
        onInput={setReason}
      />
    </ActionDialog>
  );
}
