import { Context } from '@temporalio/activity';
import { createReceiptSigner } from '../src/billing/receipt-signer.js';
import type { ActivityDeps } from './deps.js';

/** Some 300 ms of work, during which the key cannot be replaced. */
const atOnce = 100;
/** Well within the activity's time-out; the next run goes on. */
const maxRounds = 200;

/** What the ends of jobs left unsigned: because no key was there, or the worker died first. */
export function createReceiptActivities(deps: Pick<ActivityDeps, 'config' | 'pool' | 'logger'>) {
  const signer = createReceiptSigner(deps);
  return {
    /** Signs receipts that wait for it, each once however often and wherever it runs. */
    async signReceipts(): Promise<{ signed: number }> {
      const context = Context.current();
      let signed = 0;
      for (let round = 0; round < maxRounds; round++) {
        const more = (await signer?.sign(atOnce)) ?? 0;
        signed += more;
        context.heartbeat();
        if (more < atOnce) break;
      }
      return { signed };
    },
  };
}
