import { useState } from 'preact/hooks';
import { shortIds } from '../../src/words/short-ids.js';
import { nowMs, second, toast, token, type Loaded } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import {
  Duration,
  Input,
  Loaded as Shown,
  Money,
  plain,
  Segmented,
  Skeleton,
  Time,
  Untrusted,
} from '../parts/index.js';
import { drainPlan } from './drain-plan.js';
import { withPoint } from '../parts/typed-number.js';

type ActiveJob = Parameters<typeof drainPlan>[0][number];

interface DrainSheetProps {
  id: string;
  /** Afterwards it leaves the fleet. */
  retires: boolean;
  /** Those that have not ended. */
  jobs: Loaded<readonly ActiveJob[]>;
  send(deadline: { deadlineS?: number }): Promise<unknown>;
  onClose(): void;
}

const hour = 3_600;
const deadlines = [
  { value: 'none', label: 'at their own end' },
  { value: '1', label: 'in 1 h' },
  { value: '4', label: 'in 4 h' },
  { value: '24', label: 'in a day' },
  { value: 'own', label: 'in …' },
];

/** Seconds from now until the jobs end at the latest; undefined: no deadline; null: what was typed is none. */
function deadlineOf(choice: string, hours: string): number | undefined | null {
  if (choice === 'none') return undefined;
  const typed = choice === 'own' ? withPoint(hours) : choice;
  const value = /^\d{1,4}(?:\.\d{1,2})?$/.test(typed) ? Number(typed) : Number.NaN;
  return Number.isNaN(value) || value > 24 * 30 ? null : Math.round(value * hour);
}

/** Says how many jobs there are, until when, and what a deadline costs their customers, before it is done. */
export function DrainSheet({ id, retires, jobs, send, onClose }: DrainSheetProps) {
  const [choice, setChoice] = useState('none');
  const [hours, setHours] = useState('12');
  const deadlineS = deadlineOf(choice, hours);
  const name = plain(id, 60);
  const run = async () => {
    await send(deadlineS === undefined || deadlineS === null ? {} : { deadlineS });
    toast(retires ? `${name} leaves after its last job.` : `${name} takes no new jobs.`, 'good');
  };
  return (
    <ActionDialog
      title={
        <>
          {retires ? 'Take ' : 'Drain '}
          <Untrusted text={id} max={60} />
          {retires && ' out of the fleet'}
        </>
      }
      confirm={retires ? 'Take it out of the fleet' : 'Drain'}
      danger={retires || (choice !== 'none' && deadlineS !== null)}
      disabled={deadlineS === null}
      waitsFor={jobs.data === undefined && jobs.error === undefined ? 'Its jobs are being read.' : undefined}
      run={run}
      onClose={onClose}
    >
      <p>
        {retires
          ? 'It takes no new jobs. When the last one has ended, its node leaves the cluster. There is no way back but to join again; its name stays yours.'
          : 'It takes no new jobs. Once it has none, you may turn it off. “Take jobs again” takes this back.'}
      </p>
      <div class="field">
        <span aria-hidden="true">Its jobs end at the latest</span>
        <Segmented label="Its jobs end at the latest" value={choice} options={deadlines} onChange={setChoice} />
      </div>
      {choice === 'own' && (
        <Input
          label="Deadline"
          unit="hours from now"
          inputMode="decimal"
          value={hours}
          error={deadlineS === null ? 'Use a number of hours, 720 at most.' : undefined}
          onInput={setHours}
        />
      )}
      <Shown of={jobs} skeleton={<Skeleton lines={2} />}>
        {(active) => <DrainEffect jobs={active} deadlineS={deadlineS ?? undefined} />}
      </Shown>
    </ActionDialog>
  );
}

const mostListed = 5;

function DrainEffect({ jobs, deadlineS }: { jobs: readonly ActiveJob[]; deadlineS: number | undefined }) {
  void second.value;
  const plan = drainPlan(jobs, { nowMs: nowMs(), deadlineS, decimals: token().decimals });
  const short = shortIds(jobs.map(({ job_id: id }) => id));
  if (plan.jobs === 0) return <p class="note">No job runs on it: nobody loses anything.</p>;
  const count = plan.jobs === 1 ? 'One job runs' : `${plan.jobs} jobs run`;
  return (
    <div class={`note ${plan.cutShort.length > 0 ? 'tone-warn' : ''}`} aria-live="polite">
      <p>
        {count} on it
        {plan.lastEndsMs !== undefined && (
          <>
            ; the last one ends by itself at <Time at={new Date(plan.lastEndsMs).toISOString()} />
          </>
        )}
        .
      </p>
      {plan.cutShort.length === 0 ? (
        <p>None is cut short.</p>
      ) : (
        <>
          <p>
            {plan.cutShort.length === 1 ? 'One customer loses' : `${plan.cutShort.length} customers lose`} time that was
            ordered. Nobody pays for it; you forgo about <Money units={plan.forgone} />.
          </p>
          <ul>
            {plan.cutShort.slice(0, mostListed).map(({ jobId, lostS }) => (
              <li key={jobId}>
                job <code>…{short.get(jobId)}</code> ends <Duration seconds={lostS} /> early
              </li>
            ))}
            {plan.cutShort.length > mostListed && <li>and {plan.cutShort.length - mostListed} more</li>}
          </ul>
        </>
      )}
    </div>
  );
}
