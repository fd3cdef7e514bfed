import { nowMs, second } from '../live/clock.js';
import { ageInWords, clockOf, shortDuration, timeInWords } from './times.js';

/** A time in the reader's zone, with the whole of it in the title. */
export function Time({ at }: { at: string }) {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return null;
  return (
    <time class="num" dateTime={time.toISOString()} title={time.toLocaleString('en-GB')}>
      {timeInWords(time, nowMs())}
    </time>
  );
}

/** How long something took or takes: `2 h 5 min`. */
export function Duration({ seconds }: { seconds: number }) {
  return <span class="num">{shortDuration(seconds)}</span>;
}

/** Counts down to a time of the broker, each second; it is not read out. */
export function Countdown({ to }: { to: string }) {
  void second.value;
  const leftS = (Date.parse(to) - nowMs()) / 1000;
  return (
    <span class="num" role="timer" aria-live="off">
      {Number.isNaN(leftS) ? '' : clockOf(leftS)}
    </span>
  );
}

/** Counts up from a time of the broker. */
export function Elapsed({ from }: { from: string }) {
  void second.value;
  return (
    <span class="num" role="timer" aria-live="off">
      {clockOf((nowMs() - Date.parse(from)) / 1000)}
    </span>
  );
}

/** How old what is shown is: `<Age of={market} />`. Amber where the last reading failed. */
export function Age({ of }: { of: { atMs: number | undefined; error?: unknown } }) {
  void second.value;
  if (of.atMs === undefined) return null;
  return <span class={`age${of.error === undefined ? '' : ' tone-warn'}`}>{ageInWords(Date.now() - of.atMs)}</span>;
}
