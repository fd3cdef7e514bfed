import type { Revenue } from '../../src/client/types.generated.js';
import { api } from '../live/index.js';
import { Card, State, Time, Untrusted } from '../parts/index.js';
import { invariantText, remedyText } from './invariant-words.js';
import { Link } from '../app/link.js';
import { viewTo } from './parts.js';

/** Whether the books agree: which comparison found what, since when, and what to do. */
export function BooksCard({ ledger }: { ledger: Revenue['ledger'] }) {
  const { checked_at: checkedAt, differs, uncompared, unbooked, unbookable } = ledger;
  const differing = Object.entries(differs);
  const isWell = differing.length + uncompared.length + unbookable.length === 0;
  return (
    <Card
      title="The books"
      class={isWell ? '' : 'has-stuck'}
      aside={
        <span class="small soft">
          {checkedAt === null ? (
            'not compared yet'
          ) : (
            <>
              compared <Time at={checkedAt} />
            </>
          )}
        </span>
      }
    >
      <div class="stack">
        {isWell && (
          <p>
            <State tone="good" glyph="✓">
              They agree
            </State>{' '}
            <span class="soft">New bookings are compared every minute, and everything once an hour.</span>
          </p>
        )}
        {!isWell && (
          <ul class="books">
            {differing.map(([name, count]) => (
              <li key={name}>
                <State tone="bad" glyph="✕">
                  {name}
                </State>
                <span>
                  {invariantText(name)}: not so in {count} {count === 1 ? 'row' : 'rows'}.{' '}
                  <span class="soft">{remedyText(name)}</span>
                </span>
              </li>
            ))}
            {uncompared.map(({ invariant, since, why }) => (
              <li key={`un-${invariant}`}>
                <State tone="warn" glyph="▲">
                  {invariant}
                </State>
                <span>
                  {invariantText(invariant)}: it could not be compared since <Time at={since} />.{' '}
                  <span class="soft">
                    <Untrusted text={why} max={200} />
                  </span>
                </span>
              </li>
            ))}
            {unbookable.map(({ job_id: id, since, reason }) => (
              <li key={id}>
                <State tone="warn" glyph="▲">
                  <Link to={viewTo('jobs', { job: id })} title={id} class="mono">
                    …{id.slice(-4)}
                  </Link>
                </State>
                <span>
                  This job could not be booked since <Time at={since} />.{' '}
                  <span class="soft">
                    <Untrusted text={reason} max={200} />
                  </span>
                </span>
              </li>
            ))}
          </ul>
        )}
        {unbooked > 0 && (
          <p class="soft">
            {unbooked} {unbooked === 1 ? 'charge' : 'charges'} of an older version are still to be booked; that goes on
            by itself.
          </p>
        )}
        {!isWell && (
          <p>
            <a href={`${api}/docs/money#when-money-differs`}>What to do when money differs</a>
          </p>
        )}
      </div>
    </Card>
  );
}
