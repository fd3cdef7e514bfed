import { setTimeout as sleep } from 'node:timers/promises';
import { askChain, type Rpc } from '../chain/rpc.js';

/** Once a node has answered, the others have so long: one that is slow holds up nothing for longer. */
const graceMs = 3_000;

/** What was answered in time, and how the others failed. */
export interface Answers<T> {
  answers: T[];
  failures: unknown[];
}

/** Asks all nodes side by side. One that answers late is left out, as one that fails. */
export async function askAll<T>(rpcs: readonly Rpc[], ask: (rpc: Rpc) => Promise<T>): Promise<Answers<T>> {
  const answers: T[] = [];
  const failures: unknown[] = [];
  const asked = rpcs.map(async (rpc) => {
    const answer = await askChain(() => ask(rpc)).catch((error: unknown) => {
      failures.push(error);
      throw error;
    });
    answers.push(answer);
  });
  const timer = new AbortController();
  const late = Promise.any(asked).then(
    () => sleep(graceMs, undefined, { signal: timer.signal }),
    () => undefined,
  );
  late.catch(() => undefined);
  await Promise.race([Promise.allSettled(asked), late]);
  timer.abort();
  return { answers: [...answers], failures: [...failures] };
}
