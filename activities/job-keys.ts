import { jobInputs } from '../src/db/jobs.js';
import { markKeysBrought, markKeysFixed } from '../src/db/job-keys.js';
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
export function createJobKeyActivities({ pool, kubernetes, logger }: Deps) {
  const { core } = kubernetes;
  return {
    /**
     * Brings the keys of a job's row into its Secret, from where the kubelet takes them into the pod within a minute or
     * so. Without a Secret there is nothing to do: it is made of the same row.
     */
    async bringSshKeys(order: JobOrder): Promise<void> {
      const { jobId } = order;
      const name = jobObjectName(jobId);
      const namespace = await namespaceOfJob({ pool, kubernetes }, order);
      const secret = await inTenant(kubernetes, namespace, () => core.readNamespacedSecret({ name, namespace }));
      if (secret?.metadata?.labels?.[labels.jobId] !== jobId) return;
      // After the Secret: whoever changes that with an older row than another attempt meets the version below.
      const { sshPublicKeys } = await jobInputs(pool, jobId);
      const wanted = Buffer.from(authorizedKeysText(sshPublicKeys)).toString('base64');
      if (secret.data?.[authorizedKeysFile] !== wanted) {
        if (secret.immutable === true) {
          logger.warn({ jobId }, 'the keys of this job cannot be changed: an earlier version made its Secret');
          await markKeysFixed(pool, jobId);
          return;
        }
        const { resourceVersion } = secret.metadata;
        const body = { metadata: { resourceVersion }, data: { [authorizedKeysFile]: wanted } };
        try {
          await inTenant(kubernetes, namespace, () =>
            core.patchNamespacedSecret({ name, namespace, body }, mergePatch),
          );
        } catch (error) {
          if (statusOf(error)?.code !== 409) throw error;
          throw new BrokerError('dependency_unavailable', 'the Secret was changed meanwhile');
        }
      }
      await markKeysBrought(pool, jobId, sshPublicKeys);
    },
  };
}
