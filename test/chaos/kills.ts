import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../../engines/stack.js';
import type { Random } from '../support/random.js';

/** Roles more often than engines, as in real life. */
const victims = [
  ...['api', 'worker', 'worker-2', 'relay', 'relay-2', 'watcher', 'worker', 'worker-2', 'relay', 'watcher'],
  'authorizer',
  ...['redis', 'postgres', 'temporal', 'kube-apiserver'],
];

/** A killed process, and when it was ready again. Outages are kept in the order of their beginning. */
export interface Outage {
  name: string;
  fromMs: number;
  toMs: number;
}

/** Temporal gives a step that died with its worker to another one only after the step's own time-out. */
const lostStepMs = 30_000;

/** How much of a time span something was away, or a step of a killed worker could not be taken by another one. */
export function awayMs(outages: readonly Outage[], fromMs: number, toMs: number): number {
  let sum = 0;
  let countedMs = fromMs;
  for (const { name, fromMs: beganMs, toMs: backMs } of outages) {
    const overMs = Math.min(toMs, name.startsWith('worker') ? backMs + lostStepMs : backMs);
    sum += Math.max(0, overMs - Math.max(countedMs, beganMs));
    countedMs = Math.max(countedMs, overMs);
  }
  return sum;
}

interface Killing {
  stack: Stack;
  random: Random;
  kills: number;
  /** What may be killed. Default: everything. */
  among?: readonly string[];
  outages: Outage[];
  /** Resolves when it is time to kill all workers, of which one is at a moment that matters. Default: one, at once. */
  workers?: () => Promise<void>;
  ended: AbortSignal;
  log: (line: string) => void;
}

/** A process that is not ready after this never will be. */
const backWithinMs = 300_000;

/** Kills a process every now and then, and lets it come back; never a second one before the first is ready again. */
export async function killNowAndThen({
  stack,
  random,
  kills,
  among = victims,
  outages,
  workers,
  ended,
  log,
}: Killing): Promise<void> {
  for (let done = 0; done < kills && !ended.aborted; done++) {
    await sleep(random.whole(200, 2_000));
    // Chance alone might spare the workers, and they do what matters most there.
    const victim = workers !== undefined && done % 2 === 1 ? 'worker' : random.pick(among);
    const isWorker = victim.startsWith('worker');
    if (isWorker) await workers?.();
    // Which of them asked the chain cannot be seen from outside.
    const dying = isWorker && workers !== undefined ? workersOf(stack) : [victim];
    const outage = { name: victim, fromMs: Date.now(), toMs: Infinity };
    outages.push(outage);
    log(`SIGKILL ${dying.join(', ')}`);
    for (const name of dying) stack.kill(name);
    // The supervisor starts it again; the pause keeps the old process's readiness from being taken for the new one's.
    await sleep(200);
    for (const name of dying) await untilReady(stack, name, ended);
    outage.toMs = Date.now();
  }
}

const workersOf = (stack: Stack) => Object.keys(stack.endpoints().pids).filter((name) => name.startsWith('worker'));

/** On a slow machine a start takes longer than the supervisor allows; the start goes on all the same. */
async function untilReady(stack: Stack, name: string, ended: AbortSignal): Promise<void> {
  for (const deadline = Date.now() + backWithinMs; !ended.aborted;) {
    try {
      return await stack.awaitReady(name);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
