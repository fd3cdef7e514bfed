/** Tells whoever looks after the machine what happens, one line at a time. Never with a secret in it. */
export type Say = (line: string) => void;

/** Lines with their time, on standard output: for a terminal as for a journal. */
export const sayAloud: Say = (line) => console.log(`${new Date().toISOString().slice(0, 19)}Z ${line}`);

/** Says the same only once, until something else is to be said: an outage is one line, not one every few seconds. */
export function createOnce(say: Say): { once: Say; over: (line: string) => void } {
  let last: string | undefined;
  return {
    once(line) {
      if (line !== last) say(line);
      last = line;
    },
    /** That it is over, if it was said that it is. */
    over(line) {
      if (last !== undefined) say(line);
      last = undefined;
    },
  };
}

/** What went wrong, for people: a connection that fails says why only in its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : undefined;
  return cause === undefined || error.message.includes(cause.message)
    ? error.message
    : `${error.message}: ${cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name)}`;
}
