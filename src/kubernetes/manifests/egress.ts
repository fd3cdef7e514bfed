import type { V1NetworkPolicyEgressRule } from '@kubernetes/client-node';
import { isIpv6Range } from '../../ip-range.js';

/**
 * Addresses that no pod of a stranger may reach, wherever the cluster stands: this machine and this network, private
 * networks (those of nodes, pods and Services in most clusters), link-local ones with the metadata services of clouds,
 * and what is multicast or reserved.
 */
const closedEverywhere = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  ...['198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/127', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
  // IPv4 in IPv6, translated (NAT64) and tunnelled (6to4): private addresses of IPv4 could be meant.
  ...['64:ff9b::/96', '64:ff9b:1::/48', '2002::/16'],
];

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
 * Egress to the internet, and to nothing else.
 *
 * @param closed ranges that are closed too although they are public, in canonical notation.
 */
export function publicInternet(closed: readonly string[]): V1NetworkPolicyEgressRule {
  const except = [...new Set([...closedEverywhere, ...closed])];
  return {
    to: [
      { ipBlock: { cidr: '0.0.0.0/0', except: except.filter((range) => !isIpv6Range(range)) } },
      { ipBlock: { cidr: '::/0', except: except.filter(isIpv6Range) } },
    ],
  };
}
