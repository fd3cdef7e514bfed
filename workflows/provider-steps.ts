import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { summarized } from './summaries.js';

const untilItWorks = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;
/**
 * The time-out is how long a provider waits for a step whose worker was killed: no longer than a step can reasonably
 * take.
 */
const steps = { startToCloseTimeout: '30s', retry: untilItWorks } as const;

/** Answers registrations. */
export const admission = summarized<
  Pick<Activities, 'answerRegistration' | 'refuseRegistration' | 'recordNeverJoined'>
>(proxyActivities(steps), {
  answerRegistration: ({ messageId, reissued }) =>
    `answer registration ${messageId}${reissued === 0 ? '' : `, join command ${reissued + 1}`}`,
  refuseRegistration: 'refuse a registration: it is being retired',
  recordNeverJoined: 'write down that its node never joined',
});

/** Makes sure that an agent which was not listening yet gets the answer. */
export const delivery = summarized<Pick<Activities, 'ensureReplyDelivered'>>(
  proxyActivities({
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '20s',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: untilItWorks,
  }),
  { ensureReplyDelivered: 'wait until its agent has taken the join command' },
);

/** Changes a provider's node and row; each step is safe to repeat. */
export const fleet = summarized<
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
>(proxyActivities(steps), {
  approveNodeCertificate: ({ name }) => `decide on the certificate request ${name}`,
  assessProvider: 'find out how it is now',
  updateCapacity: 'write down what it offers',
  tellJobs: ({ online }) => `tell its jobs that it is ${online ? 'back' : 'away'}`,
  tellJobsOfDrain: ({ draining }) => `tell its jobs that it is ${draining ? 'being drained' : 'not drained any more'}`,
  recordOrder: ({ order }) => `write down the command to ${order.action}`,
  retireProvider: 'count its jobs; remove its node when there are none',
});

/** Runs miners on the GPUs that nobody rents; compares with what exists, so a repeat changes nothing. */
export const mining = summarized<Pick<Activities, 'syncMining'>>(proxyActivities(steps), {
  syncMining: 'adjust which of its idle GPUs mine',
});
