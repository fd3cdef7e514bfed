import type { V1Pod } from '@kubernetes/client-node';
import { removalStep } from '../src/domain/pod-removal.js';
import { nodeAnswers } from '../src/kubernetes/nodes.js';
import { unlessGone } from '../src/kubernetes/ownership.js';
import { inTenant } from '../src/kubernetes/tenant-rights.js';
import { podsNotEnded } from '../src/observability/metrics.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'config' | 'kubernetes' | 'logger'>;

/**
 * Looks once at a pod whose deletion was asked for, and removes it by force if its node had long enough.
 *
 * @returns `left` if even that does not remove it, or did not long ago.
 */
export async function removeOverdue(
  { config, kubernetes, logger }: Deps,
  pod: V1Pod,
): Promise<'waits' | 'removed' | 'left'> {
  const lostMs = config.LOST_POD_GRACE_S * 1000;
  const sinceAskedMs = Date.now() - deletionAskedAtMs(pod);
  if (sinceAskedMs <= lostMs) return 'waits';
  const { uid, name, namespace = '', deletionGracePeriodSeconds } = pod.metadata!;
  const node = pod.spec?.nodeName;
  const isNodeAnswering = await nodeAnswers(kubernetes, node);
  const graceMs = (pod.spec?.terminationGracePeriodSeconds ?? 0) * 1000;
  const step = removalStep(
    { sinceAskedMs, graceMs, isNodeAnswering, isForced: deletionGracePeriodSeconds === 0 },
    lostMs,
  );
  if (step === 'wait') return 'waits';
  const facts = { namespace, pod: name, node, isNodeAnswering };
  if (step === 'leave') {
    podsNotEnded.inc({ result: 'left' });
    logger.error(facts, 'a pod is left in the cluster: its machine does not end it, and force does not remove it');
    return 'left';
  }
  const body = { gracePeriodSeconds: 0, preconditions: { uid: uid! } };
  const removed = await unlessGone(
    inTenant(kubernetes, namespace, () => kubernetes.core.deleteNamespacedPod({ name: name!, namespace, body })),
  );
  if (removed === undefined) return 'waits';
  podsNotEnded.inc({ result: isNodeAnswering ? 'removed_though_it_answers' : 'removed' });
  logger.warn(facts, 'a pod is removed by force, which its machine did not end');
  return 'removed';
}

/** Taken from Kubernetes, so that an attempt which replaces a killed one does not start the wait again. */
function deletionAskedAtMs({ metadata }: V1Pod): number {
  const endsMs = metadata?.deletionTimestamp?.getTime() ?? Infinity;
  return endsMs - (metadata?.deletionGracePeriodSeconds ?? 0) * 1000;
}
