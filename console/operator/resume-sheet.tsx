import { useState } from 'preact/hooks';
import type { AdminSettlements } from '../../src/client/types.generated.js';
import { actAsOperator, operator, refresh, toast } from '../live/index.js';
import { createOnce, intentionOf, keptInTab, newIdempotencyKey } from '../live/once.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Time, Untrusted } from '../parts/index.js';
import { ReasonField } from './reason-field.js';
import { reasonProblem } from './stuck-words.js';
import { stopInWords } from './settlement-words.js';

interface ResumeSheetProps {
  stopped: NonNullable<AdminSettlements['stopped']>;
  onClose(): void;
}

const once = createOnce<string>(keptInTab('worldland-resumes'));

/** Lets settlements go on, with the reason that stands in the audit. */
export function ResumeSheet({ stopped, onClose }: ResumeSheetProps) {
  const [reason, setReason] = useState('');
  const problem = reasonProblem(reason);
  const { what, look } = stopInWords(stopped.reason);
  const run = async () => {
    const why = reason.trim();
    // One stop is ended once, however often an answer is lost.
    const intention = intentionOf(operator.peek()?.session?.wallet, 'resume', stopped.since, why);
    const done = await once.run(intention, newIdempotencyKey, (idempotencyKey) =>
      actAsOperator((client) => client.admin.money.resumeSettlements({ reason: why, idempotencyKey })),
    );
    toast(
      done?.resumed === false ? 'Nothing was stopped any more.' : 'Settlements go on: the next is cut at its time.',
      'good',
    );
    refresh('operator');
  };
  return (
    <ActionDialog
      title="Let settlements go on"
      confirm="Let them go on"
      danger
      disabled={problem !== undefined}
      ifUnknown="Press it again: it is done once."
      run={run}
      onClose={onClose}
    >
      <p>
        <Untrusted text={what} max={200} />{' '}
        <span class="soft">
          Since <Time at={stopped.since} />.
        </span>
      </p>
      <p>{look}</p>
      <ReasonField
        label="What you found, and why they may go on"
        hint="It stands in the audit, with your wallet."
        value={reason}
        autoFocus
        onInput={setReason}
      />
    </ActionDialog>
  );
}
