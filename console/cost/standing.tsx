import type { ComponentChildren } from 'preact';
import type { Balance, Statement } from '../../src/client/types.generated.js';
import { broker, login, nowMs, refresh, second, token, useJobEvents, useResource, type Loaded } from '../live/index.js';
import { Loaded as Shown, Money, plain, Skeleton, Stat, Stats } from '../parts/index.js';
import { countingFigure, spentNow, type Counted } from '../jobs/spending.js';
import { useJobs } from '../jobs/use-jobs.js';
import { monthInWords, monthOf } from './months.js';
import { runningSums } from './running-sums.js';

/** Far more than a wallet may have at once. */
const activePages = 10;
const everyMs = 60_000;

/** What the wallet has and owes; read anew with all that is about jobs. */
export function useBalance(): Loaded<Balance> {
  return useResource<Balance>(`jobs:${login.value?.wallet ?? ''}:balance`, readBalance, { everyMs });
}

/** A broker of the version before knows no cap. */
async function readBalance(): Promise<Balance> {
  const read: Omit<Balance, 'monthly_cap'> & Partial<Balance> = await broker().money.balance();
  return { ...read, monthly_cap: read.monthly_cap ?? null };
}

export function useStatement(month: string): Loaded<Statement> {
  const key = `jobs:${login.value?.wallet ?? ''}:statement:${month}`;
  return useResource<Statement>(key, () => broker().money.statement(month), { everyMs });
}

/** What is to be paid, what this month has cost so far, what runs, and what is held for it. */
export function Standing() {
  const balance = useBalance();
  const statement = useStatement(monthOf(nowMs()));
  const active = useJobs('active', activePages);
  useJobEvents(({ kind }) => {
    if (kind === 'ended' || kind === 'ordered' || kind === 'extended') refresh('jobs');
  });
  const rows = active.data?.rows ?? [];
  return (
    <Shown of={balance} skeleton={<Skeleton lines={1} height={6} />}>
      {(read) => (
        <Stats>
          <Owed balance={read} />
          <Stat
            label={`${monthInWords(monthOf(nowMs())).split(' ')[0]!} so far`}
            value={statement.data === undefined ? '–' : <Money units={netOf(statement.data)} />}
            note={statement.data === undefined ? 'not known yet' : settledText(statement.data)}
          />
          <Stat label="Running now" value={<Running rows={rows} />} note={<Rate rows={rows} />} />
          <Stat
            label="Reserved now"
            value={<Money units={runningSums(jobsOf(rows), token().decimals).reserved} />}
            note="held until the jobs end; what is left comes back"
          />
        </Stats>
      )}
    </Shown>
  );
}

function Owed({ balance: { owed, available } }: { balance: Balance }) {
  if (owed !== '0')
    return (
      <Stat label="You owe" value={<Money units={owed} />} note="charged, and not paid; the operator invoices it" />
    );
  if (available === '0')
    return <Stat label="You owe" value={<Money units="0" />} note="all that was charged is paid" />;
  return <Stat label="You have" value={<Money units={available} />} note="paid in advance or refunded, and free" />;
}

/** What the jobs that have ended cost, less what was given back. */
function netOf({ charged, refunded }: Statement): string {
  return (BigInt(charged) - BigInt(refunded)).toString();
}

function settledText({ jobs, refunded }: Statement): ComponentChildren {
  const ended = `${jobsText(jobs)} ended`;
  if (refunded === '0') return ended;
  return (
    <>
      {ended}, <Money units={refunded} /> of it refunded
    </>
  );
}

const jobsOf = (rows: readonly Counted[]) => rows.map(({ job }) => job);
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
  const { running, perHour } = runningSums(jobsOf(rows), token().decimals);
  if (running === 0) return <>nothing runs</>;
  return (
    <>
      {jobsText(running)}, <Money units={perHour} />
      /h
    </>
  );
}
