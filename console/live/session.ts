import { computed, effect, signal } from '@preact/signals';
import { isCode, WorldLandError, type StoredSession } from '../../src/client/index.js';
import type { Whoami } from '../../src/client/shapes.js';
import { broker, renewBroker, store } from './broker.js';
import type { Broker } from './client.js';
import { nowMs, second } from './clock.js';
import { comebacks } from './reach.js';

/** The login of this tab, as far as it is known without asking the broker. */
export interface Login {
  wallet: string;
  sessionId: string;
  /** Base units. */
  spendLimit: string;
  /** RFC 3339. */
  expiresAt: string;
}

/**
 * The login; undefined: nobody is logged in. A page needs no more than this and `requireLogin()`:
 *
 * ```ts
 * if (login.value === undefined) return <ConnectFirst what="your jobs" />;
 * ```
 */
export const login = signal<Login | undefined>(undefined);
/** The broker no longer takes the login: it ended, or was ended elsewhere. It stays shown until the next one. */
export const isLost = signal(false);
/** What the session may still spend, of the broker; undefined until it is read. */
export const whoami = signal<Whoami | undefined>(undefined);
/** Whether the wallet may be an operator here. */
export const mayBeAdmin = computed(() => whoami.value?.may_be_admin === true);

/** The operator's client, whose key is in memory only: a reload asks the wallet again. */
export const operator = signal<Broker | undefined>(undefined);

/** What a page may ask the person for; the shell shows the dialog, and settles it. */
export type Ask =
  | { kind: 'connect'; why?: string; settle(done: boolean): void }
  | { kind: 'reconnect'; settle(done: boolean): void }
  | { kind: 'more'; needed: string; settle(done: boolean): void }
  | { kind: 'operator'; settle(done: boolean): void };
export const ask = signal<Ask | undefined>(undefined);

type Asked = Ask extends infer A ? (A extends Ask ? Omit<A, 'settle'> : never) : never;
let pending: { question: Ask; done: Promise<boolean> } | undefined;

function asked(question: Asked): Promise<boolean> {
  // Several requests that fail at once ask one question; another one takes its place.
  if (pending?.question.kind === question.kind) return pending.done;
  pending?.question.settle(false);
  let resolve: (isDone: boolean) => void;
  const done = new Promise<boolean>((settled) => (resolve = settled));
  const shown: Ask = {
    ...question,
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
  return operator.value;
}

/**
 * `act` for operators, with the client that signs: `actAsOperator(({ admin }) => admin.endJob(id, { reason }))`.
 *
 * @throws WorldLandError of the last attempt; `not_logged_in` if the person closed the dialog.
 */
export async function actAsOperator<T>(action: (client: Broker) => Promise<T>): Promise<T> {
  const first = operator.peek()?.session?.wallet;
  for (let isSecond = false; ; isSecond = true) {
    const client = await requireOperator();
    if (client === undefined) throw new WorldLandError('not_logged_in', 'this needs the signature of an operator');
    // What one operator was about to do is not done in the name of another.
    if (first !== undefined && client.session?.wallet !== first)
      throw new WorldLandError('not_logged_in', 'another operator has signed in now: nothing was sent, so look again');
    try {
      return await action(client);
    } catch (error) {
      if (isSecond || !endsLogin(error)) throw error;
      operator.value = undefined;
    }
  }
}

/** Whether a failure means that the login is no longer taken. */
export function endsLogin(error: unknown): boolean {
  return isCode(error, 'not_logged_in') || (error instanceof WorldLandError && error.status === 401);
}

/**
 * Runs what the person has asked for. Where the login has ended in between, the wallet is asked, and then it goes on:
 * so give orders their idempotency key outside of `action`.
 *
 * ```ts
 * const job = await act(() => broker().jobs.end(id));
 * ```
 *
 * @throws WorldLandError of the last attempt.
 */
export async function act<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!endsLogin(error)) throw error;
    isLost.value = login.peek() !== undefined;
    if (!(await requireLogin())) throw error;
    return await action();
  }
}

/** Reads the login of this tab, if a reload has left one. */
export async function restoreLogin(): Promise<void> {
  const found = await store.load(broker().api);
  const isOver = found?.token === undefined || Date.parse(found.token.expiresAt) <= nowMs();
  if (found !== undefined && isOver) await store.remove(broker().api);
  login.value = found === undefined || isOver ? undefined : loginOf(found);
  if (login.value !== undefined) void readWhoami();
}

/** Sessions of this page that another one has replaced: jobs that they ordered are theirs until the log out. */
const replaced = new Set<string>();

/** Takes a login into use. What is stored holds no key: the store refuses it. */
export async function takeLogin(stored: StoredSession): Promise<void> {
  await store.save(broker().api, stored);
  const before = login.peek();
  if (before !== undefined && before.wallet === stored.wallet && !isLost.peek()) replaced.add(before.sessionId);
  renewBroker();
  isLost.value = false;
  whoami.value = undefined;
  login.value = loginOf(stored);
  comebacks.value += 1;
  await readWhoami();
}

/** Ends the sessions of this page at the broker, and forgets them here even if the broker is not there. */
export async function logOut(): Promise<void> {
  const over = login.peek();
  const asOperator = operator.peek();
  operator.value = undefined;
  login.value = undefined;
  whoami.value = undefined;
  isLost.value = false;
  const client = broker();
  const earlier = [...replaced].map((id) => () => client.sessions.revoke(id));
  replaced.clear();
  try {
    if (asOperator !== undefined) await asOperator.logout().catch(() => undefined);
    for (const end of earlier) await end().catch(() => undefined);
    await client.logout();
  } catch (error) {
    if (!endsLogin(error)) throw error;
  } finally {
    await store.remove(client.api);
    renewBroker();
    if (over !== undefined) tellOut(over.sessionId);
  }
}

/** Reads what may still be spent: after each order, extension and end. */
export async function readWhoami(): Promise<void> {
  try {
    whoami.value = await broker().whoami();
  } catch (error) {
    if (endsLogin(error) && login.peek() !== undefined) isLost.value = true;
  }
}

function loginOf({ wallet, sessionId, spendLimit, expiresAt, token }: StoredSession): Login {
  return { wallet, sessionId, spendLimit, expiresAt: token?.expiresAt ?? expiresAt };
}

const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('worldland-session');

function tellOut(sessionId: string): void {
  channel?.postMessage({ out: sessionId });
}

/** Says that a session was ended from here, such as by the list of sessions: other tabs may be using it. */
export function tellEnded(sessionId: string): void {
  tellOut(sessionId);
  if (login.peek()?.sessionId === sessionId) isLost.value = true;
}

/** Hears that this tab's session was ended in another tab, and notices when its time is over. */
export function watchLogin(): void {
  channel?.addEventListener('message', ({ data }: MessageEvent<{ out?: unknown } | null>) => {
    const id = login.peek()?.sessionId;
    if (id !== undefined && data?.out === id) isLost.value = true;
  });
  effect(() => {
    const until = login.value?.expiresAt;
    if (until !== undefined && second.value * 1000 >= Date.parse(until)) isLost.value = true;
  });
}
