import { signal } from '@preact/signals';

/**
 * The broker's clock, as its answers tell it: what counts down to a time of the broker is not to be wrong because this
 * computer's clock is.
 */
let offsetMs = 0;
/** Before the first answer of the broker, only this computer's clock is known, and it may be hours wrong. */
export const isClockKnown = signal(false);
/** The header has whole seconds, and an answer takes a while: less than this is no difference. */
const trustedMs = 1_500;

/** Milliseconds since 1970 by the broker's clock. */
export function nowMs(): number {
  return Date.now() + offsetMs;
}

/**
 * Learns from the `Date` of an answer that took `tookMs`. One that a cache may have kept is some seconds old: it is
 * better than nothing, and no better than what is known.
 */
export function learnClock(headers: Pick<Headers, 'get'>, tookMs: number): void {
  const said = Date.parse(headers.get('date') ?? '');
  const mayBeOld = /max-age=[1-9]/.test(headers.get('cache-control') ?? '');
  if (Number.isNaN(said) || tookMs > 5_000 || (mayBeOld && isClockKnown.peek())) return;
  // On average the header is half a second behind when it is written.
  const offset = said + 500 - Date.now();
  if (Math.abs(offset - offsetMs) > trustedMs + tookMs) offsetMs = Math.abs(offset) <= trustedMs + tookMs ? 0 : offset;
  second.value = Math.floor(nowMs() / 1000);
  isClockKnown.value = true;
}

/** Read it in a component to draw it anew each second, while the page is visible. */
export const second = signal(Math.floor(Date.now() / 1000));

export function startClock(): void {
  const tick = () => {
    if (!document.hidden) second.value = Math.floor(nowMs() / 1000);
  };
  setInterval(tick, 1_000);
  document.addEventListener('visibilitychange', tick);
}
