import { createMoney } from '../../src/client/accounts.js';
import { createAdmin } from '../../src/client/admin.js';
import type { Caller } from '../../src/client/caller.js';
import type { WorldLand } from '../../src/client/index.js';
import { followAll } from '../../src/client/job-events.js';
import { createJobs } from '../../src/client/jobs.js';
import { createMining, createProviders } from '../../src/client/providers.js';
import { createReceipts } from '../../src/client/receipts.js';
import { createSettlements } from '../../src/client/settlements.js';

/** What of the client belongs to somebody. */
export function createRooms(
  caller: Caller,
): Pick<WorldLand, 'jobs' | 'money' | 'receipts' | 'settlements' | 'providers' | 'mining' | 'admin' | 'events'> {
  const jobs = createJobs(caller);
  return {
    jobs,
    money: createMoney(caller),
    receipts: createReceipts(caller),
    settlements: createSettlements(caller),
    providers: createProviders(caller),
    mining: createMining(caller),
    admin: createAdmin(caller),
    events: (follow = {}) => followAll(caller, jobs, follow),
  };
}
