import { useState } from 'preact/hooks';
import type { Job } from '../../src/client/shapes.js';
import { nowMs, site, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Input, Money, shortDuration, Time } from '../parts/index.js';
import { extendJob } from './actions.js';
import { extensionOf, secondsUntil } from './extension.js';
import { fieldOf } from './moment-field.js';
import { extendedText } from './extended-text.js';

interface UntilDialogProps {
  job: Job;
  onJob(job: Job): void;
  onClose(): void;
}

const usualMoreMs = 2 * 3_600_000;

/** Extends a job until a time, and says first what that costs. */
export function UntilDialog({ job, onJob, onClose }: UntilDialogProps) {
  const end = job.expires_at === undefined ? nowMs() : Date.parse(job.expires_at);
  const [until, setUntil] = useState(fieldOf(end + usualMoreMs));
  const seconds = secondsUntil(job, new Date(until));
  const { price, refused } = extensionOf(job, seconds, site.value);
  const run = async () => {
    const extended = await extendJob(job, seconds);
    onJob(extended);
    toast(extendedText(extended, { from: job, seconds, nowMs: nowMs() }), 'good');
  };
  return (
    <ActionDialog title="Extend until" confirm="Extend" disabled={refused !== undefined} run={run} onClose={onClose}>
      {job.expires_at !== undefined && (
        <p>
          It ends at <Time at={job.expires_at} /> as it is.
        </p>
      )}
      <Input
        label="New end, on your clock"
        type="datetime-local"
        min={fieldOf(end)}
        value={until}
        error={refused}
        onInput={setUntil}
      />
      {refused === undefined && (
        <p aria-live="polite">
          {shortDuration(seconds)} more
          {price !== undefined && (
            <>
              {' for '}
              <Money units={price} />
            </>
          )}
          . What is not used is not paid.
        </p>
      )}
    </ActionDialog>
  );
}
