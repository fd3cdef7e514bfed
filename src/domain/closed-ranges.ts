/**
 * Address ranges that no stranger's pod may reach in any cluster, each with the reason, in canonical notation.
 * docs/security.md has the same list.
 *
 * IPv4-mapped IPv6 (::ffff:0:0/96) is not included: such packets are sent as IPv4, and Kubernetes does not accept the
 * range. Documentation ranges are not included either, since nobody is there.
 */
export const closedRanges: readonly (readonly [range: string, reason: string])[] = [
  ['0.0.0.0/8', 'this machine, on Linux'],
  ['10.0.0.0/8', 'private: nodes, pods and Services of most clusters'],
  ['100.64.0.0/10', "behind a carrier's NAT; Alibaba Cloud's metadata (100.100.100.200)"],
  ['127.0.0.0/8', 'this machine'],
  ['161.26.0.0/16', "IBM Cloud's name servers, mirrors and services, inside its network"],
  ['166.8.0.0/14', "IBM Cloud's service endpoints, inside its network"],
  ['168.63.129.16/32', "Azure's own: metadata, extensions and name server of each machine"],
  ['169.254.0.0/16', 'link-local: metadata of AWS, Azure, Google, Oracle, OpenStack and others (169.254.169.254)'],
  ['172.16.0.0/12', 'private: nodes, pods and Services of many clusters'],
  ['192.0.0.0/24', "for protocols, never public; Oracle Cloud's older metadata (192.0.0.192)"],
  ['192.88.99.0/24', 'relays of 6to4'],
  ['192.168.0.0/16', 'private: the home or hall in which the machine stands'],
  ['198.18.0.0/15', 'for benchmarks, and used as a private range'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved, used as a private range; broadcast'],
  ['::/96', 'this machine (::1), and an old form of IPv4'],
  ['64:ff9b::/96', 'IPv4 behind a translator (NAT64): private addresses could be meant'],
  ['64:ff9b:1::/48', 'the same, of a network of its own'],
  ['100::/64', 'thrown away by routers'],
  ['2001::/23', 'for protocols; Teredo (2001::/32), which carries IPv4'],
  ['2002::/16', '6to4, which carries IPv4'],
  ['5f00::/16', 'segments of routes (SRv6), inside one network'],
  ['fc00::/7', 'private: metadata of AWS (fd00:ec2::254), Google (fd20:ce::254) and Oracle (fd00:c1::a9fe:a9fe)'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private, in an old form'],
  ['ff00::/8', 'multicast'],
];

/** Ranges for examples in texts. Whoever names such an address has copied it, and nobody is there. */
export const exampleRanges: readonly string[] = [
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001:db8::/32',
  '3fff::/20',
];

const reservedNames =
  /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|test|example|invalid)$/i;

/** Whether a name means something, if anything, in one network only: RFC 6761 and 6762, and what routers give out. */
export function isNameOfOneNetwork(name: string): boolean {
  return !name.includes('.') || reservedNames.test(name);
}
