import { signal } from '@preact/signals';

/**
 * The broker's clock, as its answers tell it: what counts down to a time of the broker is not to be wrong because this
 * computer's clock is.
 */
let offsetMs = 0;
/** The header has whole seconds, and an answer takes a while: less than this is no difference. */
const trustedMs = 1_500;

/** Milliseconds since 1970 by the broker's clock. */
export function nowMs(): number {
  return Date.now() + offsetMs;
}

/** @param header `Date` of an answer that took `tookMs`. */
export function learnClock(header: string | null, tookMs: number): void {
  const said = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(said) || tookMs > 5_000) return;
  // On average the header is half a second behind when it is written.
  const offset = said + 500 - Date.now();
  if (Math.abs(offset - offsetMs) > trustedMs + tookMs) offsetMs = Math.abs(offset) <= trustedMs + tookMs ? 0 : offset;
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
