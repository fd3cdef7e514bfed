import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const untilItWorks = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** Answering a registration, and making sure that an agent which was not listening yet hears the answer. */
export const admission = proxyActivities<Pick<Activities, 'answerRegistration' | 'ensureReplyDelivered'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '20s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: untilItWorks,
});

/** What the broker does to a provider's node and row; each is safe to repeat. */
export const fleet = proxyActivities<
  Pick<
    Activities,
    'approveNodeCertificate' | 'adoptNode' | 'inspectNode' | 'setProviderStatus' | 'updateCapacity' | 'tellJobs'
  >
>({ startToCloseTimeout: '1 minute', retry: untilItWorks });

/** Miners on the GPUs that nobody rents; compares with what there is, so a repeat changes nothing. */
export const mining = proxyActivities<Pick<Activities, 'syncMining'>>({
  startToCloseTimeout: '1 minute',
  retry: untilItWorks,
});
