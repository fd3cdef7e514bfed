import { setTimeout as sleep } from 'node:timers/promises';
import { askChain, type Rpc } from '../chain/rpc.js';

/** Once a node has answered, one that was silent the last time has so long; and each one that is only sent something. */
const graceMs = 3_000;
/** All others have so long: whoever answers first is not believed alone because he is first. */
const longestMs = 10_000;

/** What was answered in time, and how the others failed. */
export interface Answers<T> {
  answers: T[];
  failures: unknown[];
}

export type AskAll = <T>(ask: (rpc: Rpc) => Promise<T>, how?: { isSending: boolean }) => Promise<Answers<T>>;

/** Asks all nodes side by side. One that answers late is left out, as one that fails. */
export function createAskAll(rpcs: readonly Rpc[]): AskAll {
  const silent = new Set<Rpc>();
  return async <T>(ask: (rpc: Rpc) => Promise<T>, { isSending } = { isSending: false }) => {
    const answers: T[] = [];
    const failures: unknown[] = [];
    const open = new Set(rpcs);
    const beganMs = Date.now();
    const asked = rpcs.map(async (rpc) => {
      try {
        const answer = await askChain(() => ask(rpc));
        silent.delete(rpc);
        answers.push(answer);
      } catch (error) {
        if (Date.now() - beganMs >= graceMs) silent.add(rpc);
        failures.push(error);
        throw error;
      } finally {
        open.delete(rpc);
      }
    });
    const timer = new AbortController();
    const late = Promise.any(asked).then(
      async () => {
        await sleep(graceMs, undefined, timer);
        if (isSending || [...open].every((rpc) => silent.has(rpc))) return;
        await sleep(longestMs - graceMs, undefined, timer);
        for (const rpc of open) silent.add(rpc);
      },
      () => undefined,
    );
    late.catch(() => undefined);
    await Promise.race([Promise.allSettled(asked), late]);
    timer.abort();
    return { answers: [...answers], failures: [...failures] };
  };
}
