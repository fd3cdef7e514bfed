import { broker, login, token, useJobEvents, useResource } from '../live/index.js';
import { Money } from '../parts/index.js';
import { runningSums } from '../cost/running-sums.js';
import { Link } from './link.js';

const everyMs = 60_000;
/** With more than these the sum says that it is at least so much. */
const mostRead = 100;
/** With these, the sum changes. */
const changing = new Set(['ssh_ready', 'ending', 'ended']);

/** What runs, and what it costs an hour, on every page: a job that is forgotten goes on costing. */
export function RunningRate() {
  const wallet = login.value?.wallet;
  const active = useResource(
    wallet === undefined ? undefined : `jobs:${wallet}:running-rate`,
    async () => await broker().jobs.list({ status: 'running', limit: mostRead }).page(),
    { everyMs },
  );
  useJobEvents(({ kind }) => {
    if (changing.has(kind)) active.reload();
  });
  const { running, perHour } = runningSums(active.data?.items ?? [], token().decimals);
  if (running === 0) return null;
  const isMore = active.data?.next !== undefined;
  return (
    <Link to="/jobs" class="running-rate">
      <span>
        {isMore && '≥ '}
        <Money units={perHour} />
        /h
      </span>
      <span class="running-count">
        {running}
        {isMore && '+'} {running === 1 ? 'job runs' : 'jobs run'}
      </span>
    </Link>
  );
}
