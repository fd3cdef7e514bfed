import type { Job } from '../../src/client/shapes.js';
import { site } from '../live/index.js';
import { Elapsed, shortDuration, Untrusted } from '../parts/index.js';
import type { EventLog } from './event-log.js';

/** Says that the machine is away, and what follows; goes away by itself. */
export function AwayNote({ job, events }: { job: Job; events: EventLog }) {
  if (job.status !== 'running' || job.phase !== 'provider_away') return null;
  const event = events.findLast(({ kind }) => kind === 'provider_away');
  const since = event?.data?.['since'] ?? event?.at;
  const grace = site.value?.providers.loss_grace_s;
  return (
    <div class="note tone-warn" role="status">
      <p class="note-title">
        <span aria-hidden="true">▲ </span>
        The machine is away
        {typeof since === 'string' && (
          <>
            {' for '}
            <Elapsed from={since} />
          </>
        )}
      </p>
      {job.message !== undefined && (
        <p>
          <Untrusted text={job.message} max={200} />
        </p>
      )}
      <p>
        The time in which it is away is not paid.{' '}
        {grace !== undefined && `If it is not back within ${shortDuration(grace)}, the job ends.`}
      </p>
    </div>
  );
}
