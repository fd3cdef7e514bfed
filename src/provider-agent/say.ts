import { isNativeError } from 'node:util/types';
import { printable } from '../domain/outside.js';

/** Prints a line for the machine's administrator. A line never contains a secret. */
export type Say = (line: string) => void;

/** Prints lines with a timestamp on standard output, for a terminal or a journal. */
export const sayAloud: Say = (line) =>
  console.log(`${new Date().toISOString().slice(0, 19)}Z ${withoutControls(line)}`);

const maxLineLength = 4_000;

/** A line may quote the broker, a driver or kubeadm, whose texts must not steer a terminal. Line ends are ours. */
function withoutControls(text: string): string {
  return text
    .split('\n')
    .map((line) => /^ */.exec(line)![0] + (printable(line, maxLineLength) ?? ''))
    .join('\n');
}

/** Drops a line equal to the last one, so an outage is one line, not one every few seconds. */
export function createOnce(say: Say): { once: Say; over: (line: string) => void } {
  let last: string | undefined;
  return {
    once(line) {
      if (line !== last) say(line);
      last = line;
    },
    /** Announces recovery, if the problem was announced. */
    over(line) {
      if (last !== undefined) say(line);
      last = undefined;
    },
  };
}

/** An error as a sentence for people. A failed connection gives its reason only in `cause`. */
export function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  const cause = isNativeError(error.cause) ? error.cause : undefined;
  return cause === undefined || error.message.includes(cause.message)
    ? error.message
    : `${error.message}: ${cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name)}`;
}
