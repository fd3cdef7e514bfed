import { eventText } from '../../src/words/event-text.js';
import { isStreaming, nowMs } from '../live/index.js';
import { Card, ErrorNote, Skeleton, State, Untrusted } from '../parts/index.js';
import { secondsClock } from './event-time.js';
import type { EventLog } from './event-log.js';
import type { WatchedJob } from './use-job.js';

/** What has happened to a job, newest first, as it happens. */
export function EventList({ events, isOver }: { events: WatchedJob['events']; isOver: boolean }) {
  const { data, error, reload, nextAtMs } = events;
  return (
    <Card title="Events" aside={!isOver && <Live />} flush>
      {error !== undefined && <ErrorNote error={error} onRetry={reload} nextAtMs={nextAtMs} />}
      {data === undefined ? error === undefined && <Skeleton lines={4} /> : <List log={data} />}
    </Card>
  );
}

function Live() {
  return isStreaming.value ? <State tone="good">live</State> : <State tone="off">read every few seconds</State>;
}

function List({ log }: { log: EventLog }) {
  const now = nowMs();
  if (log.length === 0) return <p class="soft events-none">Nothing has been written down yet.</p>;
  return (
    <ol class="events" reversed aria-label="Events, newest first">
      {log.toReversed().map((event) => (
        <li key={event.seq}>
          <time class="num soft" dateTime={event.at} title={event.at}>
            {secondsClock(event.at, now)}
          </time>
          <Untrusted text={eventText(event)} max={200} />
        </li>
      ))}
    </ol>
  );
}
