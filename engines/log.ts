/** Prints one line about a long-running step, for people. */
export type Log = (line: string) => void;

/** A log that prints nothing. */
export const silent: Log = () => undefined;

/** Seconds with one decimal, as progress lines show them. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
