import { BlockList, isIP, isIPv4 } from 'node:net';
import { closedRanges, exampleRanges, isNameOfOneNetwork } from './domain/closed-ranges.js';

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  return list;
}

const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6');
const closed = blockList(closedRanges.map(([range]) => range));
const closedOnes = closedRanges.map(([range, reason]) => ({ list: blockList([range]), reason }));
const examples = blockList(exampleRanges);

/** No name needs IPv4 in IPv6, and a range of IPv4 does not cover it. */
const isMapped = (address: string) => /^[0:]*:ffff:/i.test(address);

/** Whether nobody may be connected to at this address because a stranger named it. */
export function isClosed(address: string): boolean {
  return isMapped(address) || closed.check(address, familyOf(address));
}

/**
 * Why customers cannot reach a machine at the address or name that its owner gave.
 *
 * @param opened ranges, of `PROVIDER_PRIVATE_CIDRS`, in which the machines of this site may stand all the same.
 * @returns undefined if there is nothing against it.
 */
export function whyUnreachable(host: string, opened: readonly string[]): string | undefined {
  if (isIP(host) === 0)
    return isNameOfOneNetwork(host) ? 'a name that means nothing outside of one network' : undefined;
  if (isMapped(host)) return 'an address of IPv4 in the form of IPv6';
  if (blockList(opened).check(host, familyOf(host))) return undefined;
  if (examples.check(host, familyOf(host))) return 'an address for examples, where nobody is';
  return closedOnes.find(({ list }) => list.check(host, familyOf(host)))?.reason;
}

/** Whether a range has addresses of the machine itself: loopback, and those that Linux takes for it. */
export function isOfThisMachine(range: string): boolean {
  const [network = ''] = range.split('/');
  const own = blockList(['127.0.0.0/8', '0.0.0.0/8', '::/127']);
  const within = blockList([range]);
  const contains = isIPv4(network) ? ['127.0.0.1', '0.0.0.0'] : ['::1'];
  return own.check(network, familyOf(network)) || contains.some((address) => within.check(address, familyOf(network)));
}
