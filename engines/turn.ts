import { join } from 'node:path';
import { withLock } from './lock.js';
import type { Log } from './log.js';
import { cacheRoot } from './paths.js';

/**
 * Waits for the turn to have namespaces with a containerd on this machine, takes it, and returns the function that ends
 * it. Real nodes and container engines take turns: each looks for what it has left behind.
 */
export async function takeTurn(what: string, env: NodeJS.ProcessEnv, log: Log): Promise<() => void> {
  let release: () => void = () => undefined;
  await new Promise<void>((held, failed) => {
    withLock(join(cacheRoot(env), 'real-node.lock'), what, log, () => {
      held();
      return new Promise<void>((done) => (release = done));
    }).catch(failed);
  });
  return () => release();
}
