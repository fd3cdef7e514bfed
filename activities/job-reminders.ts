import { createEventBell } from '../src/db/event-bell.js';
import { announceExpiries } from '../src/db/job-events.js';
import type { ActivityDeps } from './deps.js';

/** Tells customers what no change of their jobs would tell them. */
export function createJobReminderActivities({ pool }: Pick<ActivityDeps, 'pool'>) {
  const bell = createEventBell(pool);
  return {
    /** Announces the end of every job that ends soon, once for each expiry. */
    async announceExpiries(): Promise<{ wallets: number }> {
      const wallets = await announceExpiries(pool);
      wallets.forEach((wallet) => bell.ring(wallet));
      return { wallets: wallets.length };
    },
  };
}
