import type { ComponentChildren } from 'preact';
import type { Job } from '../../src/client/shapes.js';
import { api } from '../live/index.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { Card, Duration, LinkButton, Money, Stat, Stats, Time, Untrusted } from '../parts/index.js';
import { endingOf, ranS, type Ending } from './ending.js';
import { orderAgain } from './order-again.js';

/** How a job ended, what it cost, and what to do now. */
export function EndedCard({ job }: { job: Job }) {
  const ending = endingOf(job);
  if (ending === undefined) return null;
  const again = orderAgain(job);
  return (
    <>
      <Why job={job} ending={ending}>
        {job.suggestion !== undefined && (
          <p>
            <Untrusted text={job.suggestion.message} max={200} />
          </p>
        )}
        <div class="row">
          <LinkButton to={again.to} kind="main">
            {again.label}
          </LinkButton>
          {ending.code === 'no_capacity' && <LinkButton to="/">See what is free</LinkButton>}
          {ending.code !== undefined && (
            <a href={`${api}/docs/errors/${ending.code}`} target="_blank" rel="noreferrer">
              About <code>{ending.code}</code>
            </a>
          )}
        </div>
      </Why>
      <Figures job={job} />
    </>
  );
}

const tones = { good: 'tone-good', off: 'tone-off', warn: 'tone-warn', bad: 'tone-bad' } as const;
const glyphs = { good: '✓', off: '○', warn: '▲', bad: '✕' } as const;

function Why({ job, ending, children }: { job: Job; ending: Ending; children: ComponentChildren }) {
  const { title, tone, said, means } = ending;
  return (
    <Card
      title={
        <>
          <span class={tones[tone]} aria-hidden="true">
            {glyphs[tone]}
          </span>{' '}
          {title}
        </>
      }
      aside={job.ended_at !== undefined && <Time at={job.ended_at} />}
      class={`ended ${tones[tone]}`}
    >
      <div class="stack tight">
        {said !== undefined && (
          <blockquote class="said">
            <Untrusted text={said} max={400} />
          </blockquote>
        )}
        {means !== undefined && <p>{means}</p>}
        {children}
      </div>
    </Card>
  );
}

function Figures({ job }: { job: Job }) {
  const ran = ranS(job);
  return (
    <Stats>
      <Stat
        label="Cost"
        value={<Money units={job.cost?.spent ?? '0'} />}
        note={
          ran === undefined
            ? 'SSH never answered'
            : job.cost?.receipt !== undefined && <Link to={`/jobs/${segment(job.job_id)}/receipt`}>its receipt</Link>
        }
      />
      <Stat label="Ran for" value={ran === undefined ? '–' : <Duration seconds={ran} />} />
      {job.ended_at !== undefined && <Stat label="Ended" value={<Time at={job.ended_at} />} />}
    </Stats>
  );
}
