import { useState } from 'preact/hooks';
import type { AdminJob } from '../../src/client/types.generated.js';
import { actAsOperator, refresh, toast, token } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { amountInWords, Input, Money, plain, Segmented, shortAddress, Untrusted } from '../parts/index.js';
import { noAmount, readAmount } from '../parts/amount-field.js';
import { AmountInput } from '../parts/amount-input.js';
import { bookOnce, tryAgain } from './booking-key.js';
import { longestReason, reasonProblem } from './stuck-words.js';

interface RefundSheetProps {
  job: AdminJob;
  onClose(): void;
}

const longestMinutes = 525_600;

/** Gives a customer back a part of what a job cost, with the words that the customer reads. */
export function RefundSheet({ job, onClose }: RefundSheetProps) {
  const { symbol, decimals } = token();
  const [by, setBy] = useState<'amount' | 'time'>('amount');
  const [entered, setEntered] = useState(noAmount);
  const [minutes, setMinutes] = useState('');
  const [reason, setReason] = useState('');
  const amount = readAmount(entered, decimals);
  const seconds = secondsOf(minutes);
  const what =
    by === 'time'
      ? seconds === undefined
        ? undefined
        : { seconds }
      : 'units' in amount
        ? { amount: amount.units }
        : undefined;
  const why = reasonProblem(reason);
  const exact = (units: string) => amountInWords(units, { symbol: plain(symbol, 12), decimals });
  const run = async () => {
    if (what === undefined) return;
    const refund = { ...what, reason: reason.trim() };
    const { refunded, charged } = await bookOnce('refund', job.job_id, (idempotencyKey) =>
      actAsOperator((client) => client.admin.money.refund(job.job_id, { ...refund, idempotencyKey })),
    );
    toast(`${exact(refunded)} is given back. The job costs ${exact(charged)} now.`, 'good');
    refresh('operator');
  };
  return (
    <ActionDialog
      title={
        <>
          Refund job <code>…{job.job_id.slice(-4)}</code>
        </>
      }
      confirm={confirmText(by, 'units' in amount ? exact(amount.units) : undefined, seconds)}
      disabled={what === undefined || why !== undefined}
      ifUnknown={tryAgain}
      run={run}
      onClose={onClose}
    >
      <p>
        The customer <span class="mono">{shortAddress(job.wallet)}</span>
        {job.cost !== undefined && (
          <>
            {' '}
            was charged <Money units={job.cost.spent} /> so far
          </>
        )}
        . The provider and the platform give it back, each its part. It cannot be undone.
      </p>
      <Segmented
        label="What is given back"
        value={by}
        options={[
          { value: 'amount', label: 'an amount' },
          { value: 'time', label: 'a time of the job' },
        ]}
        onChange={(value) => setBy(value as 'amount' | 'time')}
      />
      {by === 'amount' ? (
        <AmountInput label="Amount" value={entered} onInput={setEntered} />
      ) : (
        <Input
          label="Time"
          inputMode="decimal"
          unit="minutes"
          value={minutes}
          error={minutes === '' || seconds !== undefined ? undefined : 'A number of minutes, such as 10 or 0.5.'}
          hint="At the rate of the job, rounded down."
          onInput={setMinutes}
        />
      )}
      <Input
        label="Reason"
        hint={<>Its customer reads: “{reason.trim() === '' ? '…' : <Untrusted text={reason.trim()} max={200} />}”</>}
        value={reason}
        maxLength={longestReason}
        error={reason === '' ? undefined : why}
        onInput={setReason}
      />
    </ActionDialog>
  );
}

function confirmText(by: 'amount' | 'time', amount: string | undefined, seconds: number | undefined): string {
  if (by === 'amount') return amount === undefined ? 'Refund' : `Refund ${amount}`;
  return seconds === undefined ? 'Refund' : `Refund ${seconds} s of it`;
}

/** Whole seconds of a time in minutes; undefined if it is none, or below a second. */
function secondsOf(minutes: string): number | undefined {
  if (!/^\d{1,6}(?:\.\d{1,4})?$/.test(minutes.trim())) return undefined;
  const seconds = Math.round(Number(minutes) * 60);
  return seconds >= 1 && Number(minutes) <= longestMinutes ? seconds : undefined;
}
