import { describe, expect, test } from '@jest/globals';
import { isOfThisMachine, whyUnreachable } from '../../src/closed-addresses.js';
import { closedRanges, exampleRanges } from '../../src/domain/closed-ranges.js';
import { readConfig } from '../../src/config.js';

describe('an address that a provider names', () => {
  test.each(['8.8.8.8', '34.226.69.105', '2600:1f18:2148:bc00::1', 'gpu1.example.com.kr', 'box.provider.io'])(
    '%s may be one of the internet',
    (host) => expect(whyUnreachable(host, [])).toBeUndefined(),
  );

  test.each<[string, string]>([
    ['10.0.0.5', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.20', 'private'],
    ['127.0.0.1', 'this machine'],
    ['127.1.2.3', 'this machine'],
    ['::1', 'this machine'],
    ['0.0.0.0', 'this machine'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['100.64.0.1', 'carrier'],
    ['198.18.0.1', 'benchmarks'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['fd00::1', 'private'],
    ['203.0.113.7', 'examples'],
    ['198.51.100.7', 'examples'],
    ['192.0.2.7', 'examples'],
    ['2001:db8::7', 'examples'],
    ['3fff::7', 'examples'],
    ['::ffff:8.8.8.8', 'form of IPv6'],
    ['0:0:0:0:0:ffff:7f00:1', 'form of IPv6'],
    ['localhost', 'one network'],
    ['gpu-box', 'one network'],
    ['gpu-box.local', 'one network'],
    ['gpu.internal', 'one network'],
    ['nas.home.arpa', 'one network'],
    ['gpu.lan', 'one network'],
  ])('%s is refused with its reason', (host, why) => {
    expect(whyUnreachable(host, [])).toContain(why);
  });

  test('every closed range and every range of examples is refused', () => {
    const firsts = [...closedRanges.map(([range]) => range), ...exampleRanges].map((range) => range.split('/')[0]!);
    expect(firsts.filter((address) => whyUnreachable(address, []) === undefined)).toEqual([]);
  });

  test('a range that the site opens is open, and no other', () => {
    const opened = ['10.20.0.0/16', '127.0.0.0/8'];
    expect(whyUnreachable('10.20.3.4', opened)).toBeUndefined();
    expect(whyUnreachable('127.9.8.7', opened)).toBeUndefined();
    expect(whyUnreachable('10.21.3.4', opened)).toBeDefined();
    expect(whyUnreachable('::ffff:10.20.3.4', opened)).toBeDefined();
  });
});

describe('loopback', () => {
  test('ranges that reach the machine itself are known, however they are written', () => {
    for (const range of ['127.0.0.0/8', '127.1.2.3/32', '64.0.0.0/2', '0.0.0.0/8', '::1/128', '::/96']) {
      expect([range, isOfThisMachine(range)]).toEqual([range, true]);
    }
    for (const range of ['10.0.0.0/8', '198.18.0.0/15', 'fd00::/8']) expect(isOfThisMachine(range)).toBe(false);
  });

  test('it is opened by no default, and in production by nothing', () => {
    expect(readConfig({}).PROVIDER_PRIVATE_CIDRS).toEqual([]);
    expect(readConfig({ PROVIDER_PRIVATE_CIDRS: '127.0.0.0/8' }).PROVIDER_PRIVATE_CIDRS).toEqual(['127.0.0.0/8']);
    const production = { NODE_ENV: 'production', AUTH_AUDIENCE: 'https://gpu.example.com' };
    expect(readConfig({ ...production, PROVIDER_PRIVATE_CIDRS: '10.0.0.0/8' }).PROVIDER_PRIVATE_CIDRS).toHaveLength(1);
    for (const range of ['127.0.0.0/8', '127.3.0.0/16', '::1'])
      expect(() => readConfig({ ...production, PROVIDER_PRIVATE_CIDRS: range })).toThrow('PROVIDER_PRIVATE_CIDRS');
  });
});

test('the broker looks at no SSH port unless the site says that it can', () => {
  expect(readConfig({}).SSH_PROBE).toBe(false);
});
