import { createAdmissionActivities } from './admission.js';
import type { ActivityDeps } from './deps.js';
import { createFleetActivities } from './fleet.js';
import { createJobRecordActivities } from './job-record.js';
import { createMiningActivities } from './mining.js';
import { createPodActivities } from './pods.js';
import { createProviderOperationActivities } from './provider-operations.js';
import { createReconcilerActivities } from './reconciler/index.js';
import { createSweepActivities } from './sweep.js';
import { named } from './failures.js';

/** Every activity the worker registers. Each is safe to run again after a crash on any of its lines. */
export function createActivities(deps: ActivityDeps) {
  const jobRecord = createJobRecordActivities(deps);
  const pods = createPodActivities(deps);
  const fleet = createFleetActivities(deps);
  return named({
    ...jobRecord,
    ...pods,
    ...createAdmissionActivities(deps),
    ...fleet,
    ...createProviderOperationActivities(deps),
    ...createMiningActivities(deps),
    ...createSweepActivities(deps),
    ...createReconcilerActivities(deps, { ...jobRecord, ...pods, ...fleet }),
  });
}

export type Activities = ReturnType<typeof createActivities>;
