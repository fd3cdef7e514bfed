import { signal } from '@preact/signals';
import type { Broker } from './client.js';
import { isLost, login, operator, renewing } from './who.js';

/** What a page may ask the person for; the shell shows the dialog, and settles it. */
export type Ask = (
  { kind: 'connect'; why?: string } | { kind: 'reconnect' } | { kind: 'more'; needed: string } | { kind: 'operator' }
) & {
  /** Another one for each question: a dialog of the one before knows nothing of this one. */
  number: number;
  settle(done: boolean): void;
};
export const ask = signal<Ask | undefined>(undefined);

type Asked = Ask extends infer A ? (A extends Ask ? Omit<A, 'settle' | 'number'> : never) : never;
let questions = 0;
let pending: { question: Ask; done: Promise<boolean> } | undefined;

function asked(question: Asked): Promise<boolean> {
  // Several requests that fail at once ask one question; another one takes its place.
  if (pending?.question.kind === question.kind) return pending.done;
  pending?.question.settle(false);
  let resolve: (isDone: boolean) => void;
  const done = new Promise<boolean>((settled) => (resolve = settled));
  const shown: Ask = {
    ...question,
    number: ++questions,
    settle(isDone) {
      // A wallet may sign after its dialog was closed, and another one opened.
      if (pending?.question === shown) {
        pending = undefined;
        ask.value = undefined;
      }
      resolve(isDone);
    },
  };
  pending = { question: shown, done };
  ask.value = shown;
  return done;
}

/** Opens the connect dialog if nobody is logged in. False if the person closed it. */
export async function requireLogin(why?: string): Promise<boolean> {
  if (login.peek() !== undefined && !isLost.peek()) return true;
  return await asked({
    kind: login.peek() === undefined ? 'connect' : 'reconnect',
    ...(why === undefined ? {} : { why }),
  });
}

/**
 * Asks for a higher limit: "This needs 4.40, you have 1.10 left". True once there is a session that covers it: then
 * send the same order again, with the same idempotency key.
 *
 * @param needed base units, such as `required` of `spend_limit_exceeded`; `0`: the person wants another limit.
 */
export async function allowMore(needed: string): Promise<boolean> {
  return await asked({ kind: 'more', needed });
}

/** Asks the wallet for an operator's key if there is none in memory. Undefined if the person closed the dialog. */
export async function requireOperator(): Promise<Broker | undefined> {
  if (operator.peek() === undefined) await asked({ kind: 'operator' });
  return operator.peek();
}

/** The operator's client in a component; undefined until the wallet has signed for it in this page. */
export function useOperator(): Broker | undefined {
  return operator.value ?? renewing.value;
}
