import type { V1NetworkPolicyEgressRule } from '@kubernetes/client-node';
import { isIpv6Range } from '../../ip-range.js';
import { closedRanges } from '../../domain/closed-ranges.js';

/** Egress to the cluster's name server. */
export const clusterDns: V1NetworkPolicyEgressRule = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

/**
 * Egress to the internet only.
 *
 * @param closed additional closed ranges, although they are public, in canonical notation.
 */
export function publicInternet(closed: readonly string[]): V1NetworkPolicyEgressRule {
  const except = [...new Set([...closedRanges.map(([range]) => range), ...closed])];
  return {
    to: [
      { ipBlock: { cidr: '0.0.0.0/0', except: except.filter((range) => !isIpv6Range(range)) } },
      { ipBlock: { cidr: '::/0', except: except.filter(isIpv6Range) } },
    ],
  };
}
