import type { Job } from '../../src/client/shapes.js';
import { durationText, stepText } from '../../src/words/durations.js';
import { nowMs, second } from '../live/index.js';
import { Card, clockOf, Untrusted } from '../parts/index.js';
import type { EventLog } from './event-log.js';
import { stepWords } from './start-words.js';
import { startView, tookMs, type StartStep, type StartView } from './start-view.js';

/** A start as it is watched: four steps, how long each takes, and that nothing is paid yet. */
export function StartCard({ job, events }: { job: Job; events: EventLog }) {
  void second.value;
  const view = startView(job, events);
  const active = view.steps.find(({ state }) => state === 'active');
  const now = nowMs();
  return (
    <Card title="Starting" aside={<Clock view={view} now={now} />} class="start">
      <ol class="start-steps" aria-label="Steps of the start">
        {view.steps.map((step) => (
          <Step key={step.part} step={step} job={job} now={now} />
        ))}
      </ol>
      <p class="hidden-text" role="status">
        {active === undefined ? '' : stepWords(active, job, undefined).title}
      </p>
      <p class="soft small">Nothing is paid until SSH answers. {view.moves > 0 && <Moved moves={view.moves} />}</p>
    </Card>
  );
}

function Clock({ view, now }: { view: StartView; now: number }) {
  return (
    <span class="start-clock num" role="timer" aria-live="off" aria-label="Since the order">
      {clockOf(((view.readyMs ?? now) - view.orderedMs) / 1000)}
    </span>
  );
}

function Moved({ moves }: { moves: number }) {
  const times = moves === 1 ? '' : `, ${moves} times so far`;
  return <>It went on to another machine, because one did not start it{times}.</>;
}

const glyphs: Record<StartStep['state'], string> = { done: '✓', active: '', waiting: '', failed: '✕', skipped: '–' };
const spoken: Record<StartStep['state'], string> = {
  done: 'done',
  active: 'under way',
  waiting: 'not yet',
  failed: 'failed',
  skipped: 'left out',
};

function Step({ step, job, now }: { step: StartStep; job: Job; now: number }) {
  const took = tookMs(step, now);
  const { title, note } = stepWords(step, job, took);
  return (
    <li class={`start-step is-${step.state}`} aria-current={step.state === 'active' ? 'step' : undefined}>
      <span class="start-node" aria-hidden="true">
        {glyphs[step.state]}
      </span>
      <span class="start-words">
        <span class="start-title">
          {title}
          <span class="hidden-text">, {spoken[step.state]}</span>
        </span>
        {note !== undefined && <Untrusted class="start-note" text={note} max={120} />}
      </span>
      <span class="start-took num">{took === undefined ? '' : tookText(step, took)}</span>
    </li>
  );
}

/** What counts up is drawn once a second: tenths would only jump. */
function tookText({ state }: StartStep, ms: number): string {
  return state === 'active' ? durationText(Math.floor(ms / 1000)) : stepText(ms);
}
