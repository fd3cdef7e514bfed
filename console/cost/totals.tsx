import { nowMs, refresh, second, token, useJobEvents } from '../live/index.js';
import { Loaded, Money, plain, Skeleton, Stat, Stats } from '../parts/index.js';
import { countingFigure, spentNow, type Counted } from '../jobs/spending.js';
import { useJobs } from '../jobs/use-jobs.js';
import { daysIn, type DayRange } from './range.js';
import { runningSums } from './running-sums.js';
import { useBill } from './use-bill.js';

/** Far more than a wallet may have at once. */
const activePages = 10;
const dayPages = 4;

/** What was spent, what runs, and what is held for it. */
export function Totals({ range }: { range: DayRange }) {
  const bill = useBill('day', range, dayPages);
  const active = useJobs('active', activePages);
  useJobEvents(({ kind }) => {
    if (kind === 'ended') refresh('jobs');
  });
  return (
    <Loaded of={bill} skeleton={<Skeleton lines={1} height={6} />}>
      {({ total }) => (
        <Stats>
          <Stat
            label="Spent"
            value={<Money units={total.spent} />}
            note={`in ${daysIn(range)} ${daysIn(range) === 1 ? 'day' : 'days'}, ${jobsText(total.jobs)}`}
          />
          <Stat
            label="Running now"
            value={<Running rows={active.data?.rows ?? []} />}
            note={<Rate rows={active.data?.rows ?? []} />}
          />
          <Stat
            label="Reserved now"
            value={
              <Money
                units={
                  runningSums(
                    (active.data?.rows ?? []).map(({ job }) => job),
                    token().decimals,
                  ).reserved
                }
              />
            }
            note="held until the jobs end; what is left comes back"
          />
        </Stats>
      )}
    </Loaded>
  );
}

const jobsText = (count: number) => `${count} ${count === 1 ? 'job' : 'jobs'}`;

/** What all jobs that run have cost so far, together. */
function Running({ rows }: { rows: readonly Counted[] }) {
  void second.value;
  const { symbol, decimals } = token();
  const now = nowMs();
  const sum = rows.reduce((all, row) => all + spentNow(row, now), 0n);
  return (
    <span class="money">
      <span class="num">{countingFigure(sum, decimals)}</span> {plain(symbol, 12)}
    </span>
  );
}

function Rate({ rows }: { rows: readonly Counted[] }) {
  const { running, perHour } = runningSums(
    rows.map(({ job }) => job),
    token().decimals,
  );
  if (running === 0) return <>nothing runs</>;
  return (
    <>
      {jobsText(running)}, <Money units={perHour} />
      /h
    </>
  );
}
