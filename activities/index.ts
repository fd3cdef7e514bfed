import { createAdmissionActivities } from './admission.js';
import type { ActivityDeps } from './deps.js';
import { withErrorCodes } from './failures.js';
import { createJobKeyActivities } from './job-keys.js';
import { createJobLogActivities } from './job-logs.js';
import { createJobNewsActivities } from './job-news.js';
import { createJobRecordActivities } from './job-record.js';
import { createMarketActivities } from './market.js';
import { createJobReminderActivities } from './job-reminders.js';
import { createMiningActivities } from './mining.js';
import { createNodeCertificateActivities } from './node-certificates.js';
import { createPodActivities } from './pods.js';
import { createProviderAssessmentActivities } from './provider-assessment.js';
import { createProviderLossActivities } from './provider-loss.js';
import { createProviderOperationActivities } from './provider-operations.js';
import { createProviderSeriesActivities } from './provider-series.js';
import { createReceiptActivities } from './receipts.js';
import { createReconcilerActivities } from './reconciler/index.js';
import { createSshLookActivities } from './ssh-look.js';
import { createSweepActivities } from './sweep.js';

/** Every activity the worker registers. Each is safe to repeat after a crash on any of its lines. */
export function createActivities(deps: ActivityDeps) {
  const jobRecord = createJobRecordActivities(deps);
  const pods = createPodActivities(deps);
  const assessment = createProviderAssessmentActivities(deps);
  return withErrorCodes({
    ...jobRecord,
    ...pods,
    ...createAdmissionActivities(deps),
    ...createNodeCertificateActivities(deps),
    ...assessment,
    ...createJobKeyActivities(deps),
    ...createJobLogActivities(deps),
    ...createJobNewsActivities(deps),
    ...createJobReminderActivities(deps),
    ...createProviderLossActivities(deps),
    ...createProviderOperationActivities(deps),
    ...createMarketActivities(deps),
    ...createMiningActivities(deps),
    ...createSshLookActivities(deps),
    ...createSweepActivities(deps),
    ...createProviderSeriesActivities(deps),
    ...createReceiptActivities(deps),
    ...createReconcilerActivities(deps, { ...jobRecord, ...pods, ...assessment }),
  });
}

export type Activities = ReturnType<typeof createActivities>;
