import { isCode, WorldLandError } from '../../src/client/index.js';
import { api, broker, clientWith } from './broker.js';
import type { Broker } from './client.js';
import { leftSessions } from './left-sessions.js';
import { isLost, login, operator } from './who.js';

/** Sessions of this tab that are replaced or over. */
export const left = leftSessions(() => sessionStorage, `worldland-left:${api}`);

/** What the broker has not heard yet, by session; said again when it is back, for as long as this page is open. */
const unheard = new Map<string, () => Promise<void>>();

/** Whether a failure means that the login is no longer taken. */
export function endsLogin(error: unknown): boolean {
  return isCode(error, 'not_logged_in') || (error instanceof WorldLandError && error.status === 401);
}

/**
 * Ends all sessions that a wallet has left in this tab, with the token of the last one, which ends last.
 *
 * @throws WorldLandError if the broker does not answer: it is told again when it does.
 */
export async function endAllOf(wallet: string, last: string, token: string | undefined): Promise<void> {
  left.close(wallet);
  if (token === undefined) return;
  const client = clientWith(token);
  const ids = [...left.over(wallet).filter((id) => id !== last), last];
  const end = async () => {
    for (const id of ids) await endOne(client, id, last);
  };
  await heard(last, end);
}

async function endOne(client: Broker, id: string, own: string): Promise<void> {
  try {
    await client.sessions.revoke(id);
  } catch (error) {
    // Its own is over then; another one waits for the next login of the wallet.
    if (endsLogin(error)) {
      if (id === own) left.forget(id);
      return;
    }
    if (!isCode(error, 'not_found')) throw error;
  }
  left.forget(id);
}

async function heard(id: string, end: () => Promise<void>): Promise<void> {
  unheard.set(id, end);
  await end();
  unheard.delete(id);
}

/** Forgets the operator's key, and ends its session at the broker. */
export function dropOperator(): void {
  const client = operator.peek();
  operator.value = undefined;
  // The login's own ends with the login.
  if (client !== undefined && client.session?.sessionId !== login.peek()?.sessionId) endSessionOf(client);
}

/** Ends the session of a client that nobody uses from now on. */
export function endSessionOf(client: Broker): void {
  if (client.session === undefined) return;
  const { wallet, sessionId } = client.session;
  left.add({ wallet, sessionId, isOver: true });
  void heard(sessionId, () => endOne(client, sessionId, sessionId)).catch(() => undefined);
}

/** Tells a broker that is back what it has not heard, and ends what was left before a reload with the login of now. */
export async function endWhatIsLeft(): Promise<void> {
  for (const [id, end] of [...unheard]) await heard(id, end).catch(() => undefined);
  const wallet = login.peek()?.wallet;
  if (wallet === undefined || isLost.peek()) return;
  const own = login.peek()!.sessionId;
  try {
    for (const id of left.over(wallet)) await endOne(broker(), id, own);
  } catch {
    // The next time that the broker is back.
  }
}
