import type { Steps } from './flow.js';

/** A comparison that found no difference. */
export const nothing = { repairs: {}, failures: [] };

/** The comparisons of the fleet's reconciler, which find nothing except in `steps`. */
export function comparisons(steps: Steps = {}): Steps {
  const found = () => Promise.resolve(nothing);
  return {
    compareWorkflows: () => Promise.resolve({ ...nothing, abandoned: [] }),
    ...{ compareLedger: found, compareFunds: found, comparePods: found, compareNodes: found },
    compareMoney: () => Promise.resolve({ ...nothing, booked: 0 }),
    compareTenants: () => Promise.resolve({ ...nothing, namespacesRemoved: 0 }),
    resyncMining: () => Promise.resolve({ synced: [], failures: [] }),
    tidy: () => Promise.resolve({ joinTokens: 0, registrations: 0, delegations: 0, others: {}, failures: [] }),
    signReceipts: () => Promise.resolve({ signed: 0 }),
    ...steps,
  };
}
