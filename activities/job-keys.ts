import { jobInputs } from '../src/db/jobs.js';
import { markKeysBrought, markKeysFixed, markKeysLost } from '../src/db/job-keys.js';
import { BrokerError } from '../src/domain/errors.js';
import { jobObjectName, type JobOrder } from '../src/domain/job.js';
import { mergePatch, statusOf } from '../src/kubernetes/client.js';
import { authorizedKeysFile, authorizedKeysText } from '../src/kubernetes/manifests/job.js';
import { labels } from '../src/kubernetes/names.js';
import { inTenant } from '../src/kubernetes/tenant-rights.js';
import type { ActivityDeps } from './deps.js';
import { namespaceOfJob } from './job-namespace.js';

type Deps = Pick<ActivityDeps, 'pool' | 'kubernetes' | 'logger'>;

/** Keys that are added to a job which has its Secret already. */
export function createJobKeyActivities(deps: Deps) {
  const bringKeys = keyBringer(deps);
  return {
    async bringSshKeys(order: JobOrder): Promise<void> {
      await bringKeys(order);
    },
  };
}

/**
 * Brings the keys of a job's row into its Secret, from where the kubelet takes them into the pod within a minute or so.
 * Where that can never succeed, the row says so, and nobody tries again.
 *
 * @returns whether the job does not wait for it any more.
 */
export function keyBringer({ pool, kubernetes, logger }: Deps) {
  const { core } = kubernetes;
  return async (order: Pick<JobOrder, 'jobId' | 'wallet'>): Promise<boolean> => {
    const { jobId } = order;
    const name = jobObjectName(jobId);
    const namespace = await namespaceOfJob({ pool, kubernetes }, order);
    const secret = await inTenant(kubernetes, namespace, () => core.readNamespacedSecret({ name, namespace }));
    if (secret?.metadata?.labels?.[labels.jobId] !== jobId) {
      // A job that does not run yet gets one, made of the same row; a running job gets none any more.
      const isLost = await markKeysLost(pool, jobId);
      if (isLost) logger.warn({ jobId, namespace }, 'the keys of this job cannot be changed: its Secret is not there');
      return isLost;
    }
    // After the Secret: whoever changes that with an older row than another attempt meets the version below.
    const { sshPublicKeys } = await jobInputs(pool, jobId);
    const wanted = Buffer.from(authorizedKeysText(sshPublicKeys)).toString('base64');
    if (secret.data?.[authorizedKeysFile] !== wanted) {
      if (secret.immutable === true) {
        logger.warn({ jobId }, 'the keys of this job cannot be changed: an earlier version made its Secret');
        await markKeysFixed(pool, jobId);
        return true;
      }
      const { resourceVersion } = secret.metadata;
      const body = { metadata: { resourceVersion }, data: { [authorizedKeysFile]: wanted } };
      try {
        const patched = await inTenant(kubernetes, namespace, () =>
          core.patchNamespacedSecret({ name, namespace, body }, mergePatch),
        );
        if (patched === undefined) return false;
      } catch (error) {
        if (statusOf(error)?.code !== 409) throw error;
        throw new BrokerError('dependency_unavailable', 'the Secret was changed meanwhile');
      }
    }
    await markKeysBrought(pool, jobId, sshPublicKeys);
    return true;
  };
}
