import { useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import type { Earnings, OwnProvider } from '../../src/client/types.generated.js';
import { act, broker, canAct, login, nowMs, toast, useResource } from '../live/index.js';
import { Button, Card, Loaded, Money, Skeleton, Stat, Stats } from '../parts/index.js';
import { saveCsv } from './csv.js';
import { DayBars } from './day-bars.js';
import { dayOf, earnedDays, earnedIn } from './earned-days.js';
import { gpusUsed } from './machine-words.js';

const shownDays = 30;
const dayMs = 86_400_000;

/** The first day that is asked for: with it, today is the thirtieth. */
const fromDay = () => dayOf(nowMs() - (shownDays - 1) * dayMs);

/** What all machines have earned, and how many of their GPUs are rented now. */
export function Totals({ machines }: { machines: readonly OwnProvider[] }) {
  const wallet = login.value?.wallet;
  const earnings = useResource(
    wallet === undefined ? undefined : `earnings:${wallet}`,
    async () => (await broker().providers.earnings(undefined, { by: 'day', from: fromDay() })) as unknown as Earnings,
    { everyMs: 60_000 },
  );
  const gpus = machines.map(gpusUsed);
  const sumOf = (of: 'used' | 'total') => gpus.reduce((sum, each) => sum + each[of], 0);
  return (
    <Card title="Earned" aside={<Csv />}>
      <Loaded of={earnings} skeleton={<Skeleton lines={3} height={3} />}>
        {({ rows, total }) => {
          const days = earnedDays(rows, { nowMs: nowMs(), days: shownDays });
          return (
            <div class="stack">
              <Stats>
                <Stat label="Today (UTC)" value={<Money units={earnedIn(days.slice(-1))} />} />
                <Stat label="Last 30 days" value={<Money units={earnedIn(days)} />} />
                <Stat
                  label="Held for running jobs"
                  value={<Money units={total.pending} />}
                  note="what they use of it is yours when they end"
                />
                <Stat label="GPUs rented now" value={sumOf('used')} unit={`of ${sumOf('total')}`} />
              </Stats>
              <DayBars days={days} />
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

function Csv() {
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      await act(() => saveCsv('/api/v1/me/earnings', { by: 'day', from: fromDay() }, `earnings-${dayOf(nowMs())}.csv`));
    } catch (error) {
      toast(`The table was not saved: ${error instanceof WorldLandError ? error.code : 'this page failed'}.`, 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button size="s" busy={isBusy} disabled={!canAct.value} onClick={() => void save()}>
      Save as CSV
    </Button>
  );
}
