import type { V1NetworkPolicy } from '@kubernetes/client-node';
import { jobObjectName, type JobOrder, type Placement } from '../../domain/job.js';
import { labels } from '../names.js';
import { publicInternet } from './egress.js';
import { jobLabels, ownedByPod } from './job.js';

/**
 * A job's way out: the internet, without its own machine and the cluster. It belongs to the job and not to the tenant
 * because policies only ever add to each other, and each job is on another machine. Until it is there, and where the
 * tenant's policy is all there is, nothing but the name server is reached. It goes with the pod.
 */
export function jobNetworkPolicy(
  order: JobOrder,
  placement: Placement,
  podUid: string,
  closed: readonly string[],
): V1NetworkPolicy {
  const name = jobObjectName(order.jobId);
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name,
      labels: jobLabels(order, placement),
      ownerReferences: [ownedByPod(name, podUid)],
    },
    spec: {
      podSelector: { matchLabels: { [labels.jobId]: order.jobId } },
      policyTypes: ['Egress'],
      egress: [publicInternet(closed)],
    },
  };
}
