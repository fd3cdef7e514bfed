import type { ComponentChildren } from 'preact';
import type { Job } from '../../src/client/shapes.js';
import { stepText } from '../../src/words/durations.js';
import { gpusText } from '../../src/words/gpu-text.js';
import { programText } from '../../src/words/program-text.js';
import { Card, Price, Time, Untrusted } from '../parts/index.js';
import type { EventLog } from './event-log.js';
import { partNames } from './start-words.js';
import { startView, tookMs } from './start-view.js';

/** What was ordered, and where it is. */
export function FactsCard({ job, events }: { job: Job; events: EventLog }) {
  return (
    <Card title="What it has">
      <dl class="facts narrow">
        <Fact name="GPU">
          <Untrusted text={gpusText(job.gpu_count, job.gpu_model, job.gpu_type)} />
          {job.any_gpu_type && <span class="soft"> (any type was asked for)</span>}
        </Fact>
        <Fact name="Size">
          {job.cpu_cores} {job.cpu_cores === 1 ? 'core' : 'cores'}, {round(job.memory_gb)} GB of memory,{' '}
          {job.storage_gb} GB of disk
        </Fact>
        <Fact name="Image">
          <Untrusted text={job.image} max={120} class="mono" />
        </Fact>
        {job.image_digest !== undefined && (
          <Fact name="Digest">
            <Untrusted text={job.image_digest} max={120} class="mono" />
          </Fact>
        )}
        {job.program !== undefined && (
          <Fact name="Main program">
            <Untrusted text={programText(job.program)} max={120} />
          </Fact>
        )}
        <Fact name="Machine">
          {job.provider_id === undefined ? (
            <span class="soft">{job.ended_at === undefined ? 'none yet' : 'none'}</span>
          ) : (
            <Untrusted text={job.provider_id} />
          )}
        </Fact>
        {job.price_per_hour !== undefined && (
          <Fact name="Price">
            <Price perHour={job.price_per_hour} />
          </Fact>
        )}
        <Fact name="Ordered">
          <Time at={job.created_at} />
        </Fact>
        {job.started_at !== undefined && (
          <Fact name="Started">
            <StartedIn job={job} events={events} />
          </Fact>
        )}
      </dl>
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How long the start took, and which step how much of it. */
function StartedIn({ job, events }: { job: Job; events: EventLog }) {
  const { steps, orderedMs, readyMs } = startView(job, events);
  if (readyMs === undefined) return <Time at={job.started_at!} />;
  const whole = Math.max(1, readyMs - orderedMs);
  const parts = steps.flatMap((step) => {
    const ms = tookMs(step, readyMs);
    return ms === undefined ? [] : [{ part: step.part, ms }];
  });
  const words = parts.map(({ part, ms }) => `${partNames[part]} ${stepText(ms)}`).join(', ');
  return (
    <>
      in <span class="num">{stepText(whole)}</span>
      {parts.length > 1 && (
        <>
          <span class="start-split" role="img" aria-label={words}>
            {parts.map(({ part, ms }) => (
              <span key={part} class={`split-${part}`} style={{ flexGrow: Math.max(0.004, ms / whole) }} />
            ))}
          </span>
          <span class="small soft">{words}</span>
        </>
      )}
    </>
  );
}

const round = (gigabytes: number) => Math.round(gigabytes * 10) / 10;
