import type { Pool } from 'pg';
import { advanceSequences, type NumberedMessage } from '../../db/provider-identities.js';

/** Larger statements gain nothing. */
const messagesAtOnce = 500;

/** Records the number of a heartbeat. @returns false when it was used before, or the key is no longer the provider's. */
export type AdvanceHeartbeat = (message: NumberedMessage) => Promise<boolean>;

interface Waiting {
  message: NumberedMessage;
  resolve: (taken: boolean) => void;
  reject: (error: unknown) => void;
}

/**
 * Records the numbers of heartbeats, all that came while the last statement ran in the next one: a statement for each
 * would cost more than the check of its signature. A provider's messages keep their order.
 */
export function createHeartbeatNumbers(pool: Pool, now: () => number): AdvanceHeartbeat {
  let waiting: Waiting[] = [];
  let isBusy = false;

  async function work(): Promise<void> {
    isBusy = true;
    while (waiting.length > 0) {
      const batch = new Map<string, Waiting>();
      const left: Waiting[] = [];
      for (const each of waiting) {
        const { providerId } = each.message;
        if (batch.has(providerId) || batch.size >= messagesAtOnce) left.push(each);
        else batch.set(providerId, each);
      }
      waiting = left;
      await record([...batch.values()]);
    }
    isBusy = false;
  }

  async function record(batch: readonly Waiting[]): Promise<void> {
    try {
      const messages = batch.map(({ message }) => message);
      const taken = await advanceSequences(pool, 'heartbeat', messages, new Date(now()));
      for (const { message, resolve } of batch) resolve(taken.has(message.providerId));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (message) =>
    new Promise((resolve, reject) => {
      waiting.push({ message, resolve, reject });
      if (!isBusy) void work();
    });
}
