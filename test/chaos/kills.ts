import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../../src/engines/stack.js';
import type { Random } from '../support/random.js';

/** Roles more often than engines, as in life. */
const victims = [
  ...['api', 'worker', 'worker-2', 'relay', 'relay-2', 'watcher', 'worker', 'worker-2', 'relay', 'watcher'],
  'authorizer',
  ...['redis', 'postgres', 'temporal', 'kube-apiserver'],
];

/** Kills somebody every now and then, and lets them come back; never a second one before the first is up again. */
export async function killNowAndThen(
  stack: Stack,
  random: Random,
  kills: number,
  counts: Record<string, number>,
  log: (line: string) => void,
): Promise<void> {
  for (let done = 0; done < kills; done++) {
    await sleep(random.whole(200, 2_000));
    const victim = random.pick(victims);
    counts[victim] = (counts[victim] ?? 0) + 1;
    log(`SIGKILL ${victim}`);
    stack.kill(victim);
    // The supervisor starts it again; a moment, so that the old one's readiness is not taken for the new one's.
    await sleep(200);
    await stack.awaitReady(victim);
  }
}
