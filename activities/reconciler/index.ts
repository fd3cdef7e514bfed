import type { ActivityDeps } from '../deps.js';
import { createFundsComparison } from './funds.js';
import { createLedgerComparison } from './ledger.js';
import { createMoneyComparison } from './money.js';
import { createNodeComparison } from './nodes.js';
import { createPodComparison } from './pods.js';
import type { JobRecord } from './repeated-steps.js';
import { createRestoreWatch } from './restored.js';
import { createTenantComparison } from './tenants.js';
import { createTidyActivities } from './tidy.js';
import { createAbandonedJobEnd, createWorkflowComparison, type JobEnd, type NodeReader } from './workflows.js';

/** The reconciler's activities; `steps` are the activities of jobs and providers that it runs in their place. */
export function createReconcilerActivities(deps: ActivityDeps, steps: JobEnd & NodeReader & JobRecord) {
  const restores = createRestoreWatch(deps);
  return {
    ...createWorkflowComparison(deps, steps, restores),
    ...createAbandonedJobEnd(deps, steps),
    ...createLedgerComparison(deps),
    ...createMoneyComparison(deps),
    ...createFundsComparison(deps),
    ...createPodComparison(deps, restores),
    ...createTenantComparison(deps, restores),
    ...createNodeComparison(deps, restores),
    ...createTidyActivities(deps),
  };
}
