import { isIPv4, isIPv6 } from 'node:net';

/**
 * A range of addresses, or one address as a range, in the notation that Kubernetes requires: bits beyond the prefix are
 * cleared, IPv6 is shortened and in lower case.
 *
 * @returns undefined for anything else, and for IPv4-mapped IPv6.
 * @example canonicalRange('203.0.113.7/24') === '203.0.113.0/24'
 */
export function canonicalRange(text: string): string | undefined {
  const [address = '', prefixText, ...more] = text.split('/');
  const width = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('.') && !address.includes('%') ? 128 : 0;
  if (width === 0 || more.length > 0) return undefined;
  if (prefixText !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? width : Number(prefixText);
  if (prefix > width) return undefined;
  const host = BigInt(width - prefix);
  const bits = ((width === 32 ? ipv4Bits(address) : ipv6Bits(address)) >> host) << host;
  return `${width === 32 ? ipv4Text(bits) : ipv6Text(bits)}/${prefix}`;
}

export function isIpv6Range(range: string): boolean {
  return range.includes(':');
}

function ipv4Bits(address: string): bigint {
  return address.split('.').reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}

function ipv4Text(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join('.');
}

function ipv6Bits(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const groups = (part: string | undefined) => (part ?? '').split(':').filter((group) => group !== '');
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function ipv6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
