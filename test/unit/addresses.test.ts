import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.js';
import { isSshHost } from '../../src/domain/job.js';
import { canonicalRange } from '../../src/ip-range.js';

describe('a range of addresses', () => {
  test.each([
    ['203.0.113.7/24', '203.0.113.0/24'],
    ['203.0.113.7', '203.0.113.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::1', '::1/128'],
    ['fd00::/8', 'fd00::/8'],
    ['fe80::1/10', 'fe80::/10'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8/128'],
  ])('the text %s is read as the range %s', (text, range) => {
    expect(canonicalRange(text)).toBe(range);
  });

  test.each([
    '',
    'node-1',
    '1.2.3',
    '1.2.3.4/33',
    '1.2.3.4/01',
    '1.2.3.4/8/9',
    '::ffff:1.2.3.4',
    'fe80::1%eth0',
    '::/129',
  ])('the text %j is not read as a range', (text) => {
    expect(canonicalRange(text)).toBeUndefined();
  });

  test('the ranges closed to tenants are read from the environment, and never close everything', () => {
    const read = (text: string) => readConfig({ TENANT_CLOSED_CIDRS: text }).TENANT_CLOSED_CIDRS;
    expect(read('203.0.113.7/24, 2001:DB8::/32')).toEqual(['203.0.113.0/24', '2001:db8::/32']);
    expect(() => read('0.0.0.0/0')).toThrow(/TENANT_CLOSED_CIDRS/);
    expect(() => read('my-network')).toThrow(/TENANT_CLOSED_CIDRS/);
  });
});

describe('where a customer logs in', () => {
  test.each(['203.0.113.7', '2001:db8::7', 'gpu-1.example.com', 'node'])('an SSH host may be %s', (host) => {
    expect(isSshHost(host)).toBe(true);
  });

  // A provider says it, and a customer pastes it into a shell.
  test.each([undefined, '', '-oProxyCommand=x', 'a b', '$(x)', 'a;b', 'a`b`', 'a|b', 'root@b', 'a\nb', 'a/', "a'b"])(
    '%j may not',
    (host) => {
      expect(isSshHost(host)).toBe(false);
    },
  );
});
