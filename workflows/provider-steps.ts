import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const untilItWorks = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;
/** As long as a provider waits for a step whose worker was killed: not longer than a step can reasonably take. */
const steps = { startToCloseTimeout: '30s', retry: untilItWorks } as const;

/** Answering a registration. */
export const admission =
  proxyActivities<Pick<Activities, 'answerRegistration' | 'refuseRegistration' | 'recordNeverJoined'>>(steps);

/** Making sure that an agent which was not listening yet hears the answer. */
export const delivery = proxyActivities<Pick<Activities, 'ensureReplyDelivered'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '20s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: untilItWorks,
});

/** What the broker does to a provider's node and row; each is safe to repeat. */
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

/** Miners on the GPUs that nobody rents; compares with what there is, so a repeat changes nothing. */
export const mining = proxyActivities<Pick<Activities, 'syncMining'>>(steps);
