import type { Earnings, OwnProvider } from '../../src/client/types.generated.js';
import { broker, login, nowMs, token, useResource, type Loaded } from '../live/index.js';
import { Card, Loaded as Shown, Money, plain, Skeleton, Stat, Stats } from '../parts/index.js';
import { SaveCsv } from '../parts/save-csv.js';
import { EarnedBars } from './earned-bars.js';
import { dayOf, earnedDays, earnedIn } from './earned-days.js';
import { gpusUsed } from './machine-words.js';

const shownDays = 30;
const dayMs = 86_400_000;

/** The first day that is asked for: with it, today is the thirtieth. */
const fromDay = () => dayOf(nowMs() - (shownDays - 1) * dayMs);

/** What all machines have earned, day by day. */
export function useEarnings(): Loaded<Earnings> {
  const wallet = login.value?.wallet;
  return useResource(
    wallet === undefined ? undefined : `earnings:${wallet}`,
    async () => (await broker().providers.earnings(undefined, { by: 'day', from: fromDay() })) as unknown as Earnings,
    { everyMs: 60_000 },
  );
}

/** The figures of all machines together. */
export function Totals({ machines, earnings }: { machines: readonly OwnProvider[]; earnings: Loaded<Earnings> }) {
  const gpus = machines.map(gpusUsed);
  const sumOf = (of: 'used' | 'total') => gpus.reduce((sum, each) => sum + each[of], 0);
  return (
    <Shown of={earnings} skeleton={<Skeleton lines={1} height={6} />}>
      {({ rows, total }) => {
        const days = earnedDays(rows, { nowMs: nowMs(), days: shownDays });
        return (
          <Stats>
            <Earned label="Earned today (UTC)" units={earnedIn(days.slice(-1))} />
            <Earned label="Last 30 days" units={earnedIn(days)} />
            <Earned label="Held for running jobs" units={total.pending} note="yours as they use it" />
            <Stat label="GPUs rented now" value={sumOf('used')} unit={`of ${sumOf('total')}`} />
          </Stats>
        );
      }}
    </Shown>
  );
}

/** An amount as a figure that matters, with the symbol behind it. */
export function Earned({ label, units, note }: { label: string; units: string; note?: string }) {
  return (
    <Stat
      label={label}
      value={<Money units={units} bare />}
      unit={plain(token().symbol, 12)}
      {...(note === undefined ? {} : { note })}
    />
  );
}

/** What each day has brought. */
export function EarnedByDay({ earnings }: { earnings: Loaded<Earnings> }) {
  return (
    <Card
      title="Earned by day"
      aside={
        <SaveCsv
          path="/api/v1/me/earnings"
          query={{ by: 'day', from: fromDay() }}
          name={`earnings-${dayOf(nowMs())}.csv`}
        />
      }
    >
      <Shown of={earnings} skeleton={<Skeleton lines={1} height={8} />}>
        {({ rows }) => <EarnedBars days={earnedDays(rows, { nowMs: nowMs(), days: shownDays })} />}
      </Shown>
    </Card>
  );
}
