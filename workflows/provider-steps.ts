import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const untilItWorks = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;
/**
 * The time-out is how long a provider waits for a step whose worker was killed: no longer than a step can reasonably
 * take.
 */
const steps = { startToCloseTimeout: '30s', retry: untilItWorks } as const;

/** Answers registrations. */
export const admission =
  proxyActivities<Pick<Activities, 'answerRegistration' | 'refuseRegistration' | 'recordNeverJoined'>>(steps);

/** Makes sure that an agent which was not listening yet gets the answer. */
export const delivery = proxyActivities<Pick<Activities, 'ensureReplyDelivered'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '20s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: untilItWorks,
});

/** Changes a provider's node and row; each step is safe to repeat. */
export const fleet =
  proxyActivities<
    Pick<
      Activities,
      | 'approveNodeCertificate'
      | 'assessProvider'
      | 'updateCapacity'
      | 'tellJobs'
      | 'tellJobsOfDrain'
      | 'recordOrder'
      | 'retireProvider'
    >
  >(steps);

/** Runs miners on the GPUs that nobody rents; compares with what exists, so a repeat changes nothing. */
export const mining = proxyActivities<Pick<Activities, 'syncMining'>>(steps);
