import { useEffect, useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { canAct, login, nowMs, second, site, toast } from '../live/index.js';
import { Bar, Button, Card, Countdown, ErrorNote, Money, Price, Time } from '../parts/index.js';
import { extendJob } from './actions.js';
import { CountingCost } from './counting-cost.js';
import { extensionOf, usualHours } from './extension.js';
import { extendedText } from './extended-text.js';
import { costInAll, partOver, type Counted } from './spending.js';
import { UntilDialog } from './until-dialog.js';

/** A second click that was meant as the first one comes within this time. */
const settledMs = 1_500;
const soonS = 900;
const repeatIsSafe =
  'It is not known whether the job was extended. Look at its end, then try again: the same time is added once.';

/** When a job ends, what it costs until then, and more time for it. */
export function TimeCard({ of, onJob }: { of: Counted; onJob(job: Job): void }) {
  const { job } = of;
  const total = costInAll(job);
  return (
    <Card title="Ends in" aside={job.expires_at !== undefined && <EndsAt at={job.expires_at} />}>
      <div class="stack">
        <div class="stack tight">
          <Left job={job} />
          <p class="row spread">
            <span>
              <CountingCost of={of} /> <span class="soft">so far</span>
            </span>
            {total !== undefined && (
              <span>
                <Money units={total} /> <span class="soft">in all</span>
              </span>
            )}
          </p>
        </div>
        <ExtendRow job={job} onJob={onJob} />
        <LoginEnds job={job} />
      </div>
    </Card>
  );
}

function EndsAt({ at }: { at: string }) {
  return (
    <span class="soft small">
      at <Time at={at} />
    </span>
  );
}

function Left({ job }: { job: Job }) {
  void second.value;
  if (job.expires_at === undefined) return null;
  const leftS = (Date.parse(job.expires_at) - nowMs()) / 1000;
  const part = partOver(job, nowMs()) ?? 0;
  const tone = leftS < soonS ? 'warn' : 'accent';
  return (
    <>
      <p class={`big-figure${leftS < soonS ? ' tone-warn' : ''}`}>
        <Countdown to={job.expires_at} />
      </p>
      <Bar used={part} tone={tone} label={`${Math.round(part * 100)} % of the rented time is over`} />
    </>
  );
}

/** More time, with what it costs; one click is enough, since only what is used is paid. */
function ExtendRow({ job, onJob }: { job: Job; onJob(job: Job): void }) {
  const { busyS, failure, extend } = useExtend(job, onJob);
  const [isUntilOpen, setUntilOpen] = useState(false);
  const offers = usualHours.map((hours) => ({ hours, extension: extensionOf(job, hours * 3_600, site.value) }));
  const refused = offers[0]?.extension.refused;
  return (
    <div class="stack tight">
      <div class="row extend" role="group" aria-label="Extend">
        {offers.map(({ hours, extension }) => (
          <Button
            key={hours}
            busy={busyS === extension.seconds}
            disabled={!canAct.value || extension.refused !== undefined || busyS !== undefined}
            title={extension.refused}
            onClick={() => void extend(extension.seconds)}
          >
            <span class="hidden-text">Extend by </span>+{hours} h
            {extension.price !== undefined && (
              <span class="soft">
                <Money units={extension.price} bare />
              </span>
            )}
          </Button>
        ))}
        <Button
          disabled={!canAct.value || busyS !== undefined}
          aria-haspopup="dialog"
          onClick={() => setUntilOpen(true)}
        >
          Until…
        </Button>
      </div>
      {refused !== undefined && <p class="small soft">{refused}</p>}
      {job.price_per_hour !== undefined && (
        <p class="small soft">
          Extend at <Price perHour={job.price_per_hour} />. What is not used is not paid.
        </p>
      )}
      {failure !== undefined && <ErrorNote error={failure} action={repeatIsSafe} />}
      {isUntilOpen && <UntilDialog job={job} onJob={onJob} onClose={() => setUntilOpen(false)} />}
    </div>
  );
}

function useExtend(job: Job, onJob: (job: Job) => void) {
  const [busyS, setBusy] = useState<number>();
  const [failure, setFailure] = useState<WorldLandError>();
  const [isSettling, setSettling] = useState(false);
  useEffect(() => {
    if (!isSettling) return undefined;
    const timer = setTimeout(() => {
      setSettling(false);
      setBusy(undefined);
    }, settledMs);
    return () => clearTimeout(timer);
  }, [isSettling]);
  const extend = async (seconds: number) => {
    setBusy(seconds);
    setFailure(undefined);
    try {
      const extended = await extendJob(job, seconds);
      onJob(extended);
      toast(extendedText(extended, { from: job, seconds, nowMs: nowMs() }), 'good');
      setSettling(true);
    } catch (error) {
      if (!(error instanceof WorldLandError)) throw error;
      setFailure(error);
      setBusy(undefined);
    }
  };
  return { busyS, failure, extend };
}

/** Only a login extends a job or ends it early: say so where it will be over first. */
function LoginEnds({ job }: { job: Job }) {
  const at = login.value?.expiresAt;
  if (at === undefined || job.expires_at === undefined || Date.parse(at) >= Date.parse(job.expires_at)) return null;
  return (
    <p class="small soft">
      Your login here ends first, at <Time at={at} />. The job goes on; connect again to extend it.
    </p>
  );
}
