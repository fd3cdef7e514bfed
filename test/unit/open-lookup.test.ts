import { expect, test } from '@jest/globals';
import { closedRanges } from '../../src/domain/closed-ranges.js';
import { isClosed } from '../../src/closed-addresses.js';

test('an address of the internet is open', () => {
  for (const address of ['8.8.8.8', '34.226.69.105', '2600:1f18:2148:bc00::1']) expect(isClosed(address)).toBe(false);
});

test('every closed range is closed to whoever asks a registry', () => {
  const firsts = closedRanges.map(([range]) => range.split('/')[0]!);
  expect(firsts.filter((address) => !isClosed(address))).toEqual([]);
});

test('an address of IPv4 in one of IPv6 is closed', () => {
  for (const address of ['::ffff:8.8.8.8', '::FFFF:127.0.0.1', '::ffff:7f00:1']) expect(isClosed(address)).toBe(true);
});
