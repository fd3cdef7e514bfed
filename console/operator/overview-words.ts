import { durationText } from '../../src/words/durations.js';
import type { Overview } from '../../src/client/types.generated.js';

/** One figure of the overview; `isAlarm` draws the eye. */
export interface Figure {
  name: string;
  value: string;
  /** Behind it, smaller. */
  unit?: string;
  note: string;
  isAlarm: boolean;
}

const unknown = '–';

/** What stands in the first row. A part that is null is that of a system which does not answer. */
export function figuresOf(
  overview: Overview,
  { amount, symbol }: { amount: (baseUnits: string) => string; symbol: string },
): Figure[] {
  const { jobs, providers, gpus, revenue, time_to_ssh_s: ssh } = overview;
  return [
    {
      name: 'Jobs running',
      value: jobs === null ? unknown : String(jobs.running),
      note: jobs === null ? 'not known now' : jobsNote(jobs),
      isAlarm: jobs === null,
    },
    {
      name: 'Machines serving',
      value: providers === null ? unknown : String((providers['available'] ?? 0) + (providers['busy'] ?? 0)),
      note: providers === null ? 'not known now' : providersNote(providers),
      isAlarm: providers === null || (providers['offline'] ?? 0) > 0,
    },
    {
      name: 'GPUs rented',
      ...(gpus === null ? { value: unknown } : { value: String(gpus.rented), unit: `of ${gpus.total}` }),
      note: gpus === null ? 'not known now' : shareNote(gpus),
      isAlarm: gpus === null,
    },
    {
      name: 'Revenue today',
      ...(revenue === null ? { value: unknown } : { value: amount(revenue.today), unit: symbol }),
      note: revenue === null ? 'not known now' : `30 days: ${amount(revenue['30d'])} ${symbol}`,
      isAlarm: revenue === null,
    },
    {
      name: 'Time to SSH',
      value: ssh === null ? unknown : secondsText(ssh.p50),
      note: ssh === null ? 'no start in a day' : `95 of 100 within ${secondsText(ssh.p95)}`,
      isAlarm: false,
    },
  ];
}

function jobsNote({ provisioning, pending, ending }: NonNullable<Overview['jobs']>): string {
  const parts = [
    [provisioning, 'starting'],
    [pending, 'waiting'],
    [ending, 'ending'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length === 0 ? 'none starts or ends' : said.join(', ');
}

const otherStates = ['offline', 'pending', 'approved', 'joined', 'rejected'] as const;

function providersNote(providers: Readonly<Record<string, number>>): string {
  const said = otherStates.flatMap((state) => {
    const count = providers[state] ?? 0;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return said.length === 0 ? 'all of them' : said.join(', ');
}

function shareNote({ total, rented }: { total: number; rented: number }): string {
  return total === 0 ? 'there are none' : `${Math.round((rented / total) * 100)} % of all`;
}

function secondsText(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : durationText(seconds);
}

/** A system, and whether all is well with it; `detail` may hold words of others. */
export interface Health {
  name: string;
  isWell: boolean;
  detail: string;
}

/** A reconciler that has not worked for so long has stopped: it works every minute. */
const reconcilerLateS = 300;
/** Heartbeats come every 30 s, so an entry that nobody has taken for as long is late. */
const streamLateS = 30;

export function healthOf(overview: Overview, nowMs: number): Health[] {
  const { ready, streams, reconciler } = overview;
  const systems = Object.entries(ready).map(([name, { ok, detail }]) => ({
    name,
    isWell: ok,
    detail: detail ?? (ok ? 'answers' : 'does not answer'),
  }));
  return [...systems, streamsHealth(streams), reconcilerHealth(reconciler, nowMs)];
}

function streamsHealth(streams: Overview['streams']): Health {
  const name = 'streams';
  if (streams === null) return { name, isWell: false, detail: 'Redis does not answer' };
  const lag = streams.reduce((sum, stream) => sum + (stream.lag ?? 0), 0);
  const oldestS = Math.max(0, ...streams.map(({ oldest_pending_s: age }) => age));
  const isUnknown = streams.some((stream) => stream.lag === null);
  const waiting = oldestS >= 1 ? `, the oldest for ${durationText(oldestS)}` : '';
  return {
    name,
    isWell: !isUnknown && oldestS < streamLateS,
    detail: isUnknown ? 'Redis cannot tell the lag' : `lag ${lag}${waiting}`,
  };
}

function reconcilerHealth(reconciler: Overview['reconciler'], nowMs: number): Health {
  const name = 'reconciler';
  if (reconciler === null) return { name, isWell: false, detail: 'not known now' };
  const { last_at: last, repairs_1h: repairs, failures_1h: failures } = reconciler;
  if (last === null) return { name, isWell: false, detail: 'has not worked yet' };
  const ageS = (nowMs - Date.parse(last)) / 1000;
  const what = `${durationText(ageS)} ago, ${repairs} repairs and ${failures} failures in an hour`;
  return { name, isWell: ageS < reconcilerLateS && failures === 0, detail: what };
}

/** All dead letters of all streams. */
export function lettersCount(overview: Overview): number {
  return (overview.streams ?? []).reduce((sum, stream) => sum + stream.dead_letters, 0);
}
