import { effect } from '@preact/signals';
import { WorldLandError, type StoredSession } from '../../src/client/index.js';
import { requireLogin, requireOperator } from './asks.js';
import { broker, renewBroker, store } from './broker.js';
import type { Broker } from './client.js';
import { isClockKnown, second } from './clock.js';
import { dropOperator, endAllOf, endsLogin, endWhatIsLeft, left } from './ends.js';
import { comebacks } from './reach.js';
import { toast } from './toasts.js';
import { isLost, login, operator, renewing, whoami, type Login } from './who.js';

/**
 * `act` for operators, with the client that signs: `actAsOperator(({ admin }) => admin.endJob(id, { reason }))`.
 *
 * @throws WorldLandError of the last attempt; `not_logged_in` if the person closed the dialog.
 */
export async function actAsOperator<T>(action: (client: Broker) => Promise<T>): Promise<T> {
  const first = operator.peek()?.session?.wallet;
  for (let isSecond = false; ; isSecond = true) {
    const client = await requireOperator().finally(() => (renewing.value = undefined));
    if (client === undefined) {
      // The sheet that would say so is gone with the page.
      if (isSecond) toast('Your session as an operator has ended. Nothing was changed.', 'bad');
      throw new WorldLandError('not_logged_in', 'this needs the signature of an operator');
    }
    // What one operator was about to do is not done in the name of another.
    if (first !== undefined && client.session?.wallet !== first)
      throw new WorldLandError('wallet_changed', 'Nothing was sent in its name. Look again, then do it once more.');
    try {
      return await action(client);
    } catch (error) {
      if (isSecond || !endsLogin(error)) throw error;
      renewing.value = client;
      dropOperator();
    }
  }
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

/**
 * Reads the login of this tab, if a reload has left one. Whether it still stands is for the broker to say: what this
 * computer's clock says about it may be hours wrong.
 */
export async function restoreLogin(): Promise<void> {
  const found = await store.load(broker().api);
  login.value = found?.token === undefined ? undefined : loginOf(found);
  if (login.value !== undefined) void readWhoami();
}

/** Takes a login into use. What is stored holds no key: the store refuses it. */
export async function takeLogin(stored: StoredSession): Promise<void> {
  const { api } = broker();
  const before = isLost.peek() ? undefined : login.peek();
  const isOther = login.peek() !== undefined && login.peek()!.wallet !== stored.wallet;
  const token = (await store.load(api))?.token?.value;
  await store.save(api, stored);
  // What one wallet has signed is not to act for another one.
  if (isOther) dropOperator();
  if (before !== undefined) left.add({ ...before, isOver: isOther });
  renewBroker();
  isLost.value = false;
  whoami.value = undefined;
  login.value = loginOf(stored);
  comebacks.value += 1;
  if (isOther && before !== undefined) void endAllOf(before.wallet, before.sessionId, token).catch(() => undefined);
  await readWhoami();
}

/**
 * Forgets the login here, and ends its sessions at the broker.
 *
 * @throws WorldLandError if the broker does not answer: it is told when it does, or at the next login of the wallet.
 */
export async function logOut(): Promise<void> {
  const { api } = broker();
  const over = login.peek();
  const token = (await store.load(api))?.token?.value;
  await store.remove(api);
  dropOperator();
  login.value = undefined;
  whoami.value = undefined;
  isLost.value = false;
  renewBroker();
  if (over === undefined) return;
  left.add({ ...over, isOver: true });
  tellOut(over.sessionId);
  await endAllOf(over.wallet, over.sessionId, token);
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
    if (data?.out === undefined) return;
    if (data.out === login.peek()?.sessionId) isLost.value = true;
    if (data.out === operator.peek()?.session?.sessionId) dropOperator();
  });
  effect(() => {
    const until = login.value?.expiresAt;
    if (until === undefined || !isClockKnown.value) return;
    if (second.value * 1000 >= Date.parse(until)) isLost.value = true;
  });
  effect(() => {
    if (isLost.value) dropOperator();
  });
  effect(() => {
    void comebacks.value;
    void login.value;
    queueMicrotask(() => void endWhatIsLeft());
  });
}
