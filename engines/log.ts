/** Where a long-running step says what it does: one line at a time, for people. */
export type Log = (line: string) => void;

/** A log that says nothing. */
export const silent: Log = () => undefined;

/** Seconds with one decimal, as progress lines show them. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
