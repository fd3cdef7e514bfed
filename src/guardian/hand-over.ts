import { askChain, type Rpc } from '../chain/rpc.js';
import { BrokerError } from '../domain/errors.js';
import type { SentCall } from './memory.js';

/** How a node took a transaction. */
export type Outcome = 'taken' | Error;

/**
 * Hands transactions to a node, in this order: one that is not mined holds up all that come after it. Of each nonce the
 * node gets everything, the dearest first; what it has no use for, it refuses.
 *
 * @returns what it made of each that is for this.
 */
export async function handTo(
  { client }: Rpc,
  calls: readonly SentCall[],
  { purpose, signal }: { purpose: string; signal: AbortSignal },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const call of calls) {
    for (const serializedTransaction of call.raw) {
      if (signal.aborted) return outcomes;
      let outcome: Outcome = 'taken';
      try {
        await askChain(() => client.sendRawTransaction({ serializedTransaction }));
      } catch (error) {
        outcome = error as Error;
      }
      if (call.purpose === purpose) outcomes.push(outcome);
      // It is away, and would be asked in vain for a long time.
      if (outcome instanceof BrokerError) return outcomes.length > 0 ? outcomes : [outcome];
    }
  }
  return outcomes;
}
