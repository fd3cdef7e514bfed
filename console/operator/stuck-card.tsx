import { useState } from 'preact/hooks';
import { shortIds } from '../../src/words/short-ids.js';
import { Link } from '../app/link.js';
import { canAct } from '../live/index.js';
import { Age, Button, Card, Loaded, Skeleton, State, Time, Untrusted } from '../parts/index.js';
import { useOperatorResource } from './as-operator.js';
import { EndJobSheet } from './end-job-sheet.js';
import { viewTo, WorkflowLink } from './parts.js';
import { attemptsText, byAge, stuckSince, waitsForText, type StuckItem } from './stuck-words.js';

/** What waits longer than usual: what for, since when, and what may help; a job can be ended from here. */
export function StuckCard() {
  const [ending, setEnding] = useState<string>();
  const stuck = useOperatorResource('stuck', (client) => client.request('GET', '/api/v1/admin/stuck'), 15_000);
  const count = stuck.data?.body.items.length ?? 0;
  return (
    <Card
      title={count === 0 ? 'Stuck' : `Stuck: ${count}`}
      aside={<Age of={stuck} />}
      flush
      class={count > 0 ? 'has-stuck' : ''}
    >
      <Loaded of={stuck} skeleton={<Skeleton lines={3} height={2} />}>
        {({ body: { items, has_more: hasMore } }) => (
          <>
            <StuckList items={byAge(items)} onEnd={setEnding} />
            {hasMore && <p class="card-note small soft">There are more than these.</p>}
          </>
        )}
      </Loaded>
      {ending !== undefined && <EndJobSheet jobId={ending} onClose={() => setEnding(undefined)} />}
    </Card>
  );
}

function StuckList({ items, onEnd }: { items: readonly StuckItem[]; onEnd(jobId: string): void }) {
  if (items.length === 0)
    return (
      <p class="all-well">
        <State tone="good" glyph="✓">
          Nothing is stuck
        </State>
      </p>
    );
  const short = shortIds(items.map(({ id }) => id));
  return (
    <ul class="stuck">
      {items.map((item) => (
        <li key={`${item.kind} ${item.id}`}>
          <StuckWords item={item} short={short.get(item.id) ?? ''} />
          <div class="row stuck-actions">
            <Link
              class="button quiet s"
              to={item.kind === 'job' ? viewTo('jobs', { job: item.id }) : viewTo('machines', { q: item.id })}
            >
              Details
            </Link>
            <WorkflowLink url={item.workflow_url} />
            {item.kind === 'job' && (
              <Button kind="danger" size="s" disabled={!canAct.value} onClick={() => onEnd(item.id)}>
                End…
                <span class="hidden-text"> job {short.get(item.id)}</span>
              </Button>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

function StuckWords({ item, short }: { item: StuckItem; short: string }) {
  const tries = attemptsText(item.attempts);
  return (
    <div class="stuck-words">
      <p>
        <State tone="warn">
          <span>
            {item.kind === 'job' ? (
              <>
                job <code title={item.id}>…{short}</code>
              </>
            ) : (
              <>
                machine <Untrusted text={item.id} max={40} />
              </>
            )}{' '}
            {stuckSince(item)}
          </span>
        </State>{' '}
        <span class="small soft">
          since <Time at={item.since} />
          {tries !== '' && `, ${tries}`}
        </span>
      </p>
      <p>
        <Untrusted text={waitsForText(item.waits_for)} max={300} />
      </p>
      {item.last_error !== undefined && (
        <p class="small mono">
          <Untrusted text={item.last_error} max={300} />
        </p>
      )}
      <p class="small soft">
        <span aria-hidden="true">→ </span>
        <Untrusted text={item.suggest} max={300} />
      </p>
    </div>
  );
}
