import type { V1NetworkPolicy } from '@kubernetes/client-node';
import { jobObjectName, type JobOrder, type Placement } from '../../domain/job.js';
import { transportOf } from '../../domain/job-ports.js';
import { labels } from '../names.js';
import { publicInternet } from './egress.js';
import { jobLabels, ownedByPod } from './job.js';

/**
 * What a job may reach (the internet, but not its own machine or the cluster), and the ports at which it is reached besides
 * SSH. It is per job and not per tenant, because policies only add to each other and each job is on another machine. Until
 * it exists, the tenant's policy allows only the name server. Kubernetes deletes it with the pod.
 */
export function jobNetworkPolicy(
  order: JobOrder,
  placement: Placement,
  podUid: string,
  closed: readonly string[],
): V1NetworkPolicy {
  const name = jobObjectName(order.jobId);
  const ports = order.ports ?? [];
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
      policyTypes: ports.length === 0 ? ['Egress'] : ['Ingress', 'Egress'],
      // Added to what the tenant's policy lets in, which is SSH.
      ...(ports.length === 0
        ? {}
        : { ingress: [{ ports: ports.map(({ port, protocol }) => ({ port, protocol: transportOf(protocol) })) }] }),
      egress: [publicInternet(closed)],
    },
  };
}
