import { describe, expect, test } from '@jest/globals';
import { imageRefusal, parseImage } from '../../src/domain/image.js';

/** Why an image is refused where any is taken, or where those of `allowlist` are. */
function refusal(image: string, allowlist: string[] = []): string | undefined {
  try {
    return imageRefusal(parseImage(image), { allowlist, requireDigest: false });
  } catch (error) {
    return (error as Error).message;
  }
}

describe('an image is refused whose registry', () => {
  test.each([
    ['is an address', ['127.0.0.1/a', '10.0.0.1/a', '169.254.169.254/latest/meta-data', '1.1.1.1/a']],
    ['is an address in a short form', ['127.1/a', '10.1/a', '192.168.1/a']],
    ['is an address in hex', ['0x7f.0x1/a', '0x7f.0.0.1/a', '127.0.0.0x1/a', '0xa.0/a', '10.0x/a']],
    ['is an address in octal', ['0177.0.0.01/a', '0177.1/a', '012.00000001/a']],
    ['is an address with more numbers than it has', ['1.2.3.4.5/a']],
    ['is an address of IPv6', ['[::1]/a', '[::1]:5000/a', '[::ffff:10.0.0.1]/a', '::1/a']],
    ['is on a port', ['ghcr.io:443/a/b', '127.0.0.1:5000/a', '0x7f000001:80/a', '2130706433:80/a', 'reg:5000/a']],
    ['is a single name', ['localhost/a', 'localhost:5000/a']],
    ['is of a home', ['reg.home/a', 'reg.lan/a', 'nas.fritz.box/a', 'fritz.box/a', 'reg.home.arpa/a', 'reg.router/a']],
    ['is of a company', ['reg.corp/a', 'reg.intranet/a', 'reg.intra/a', 'reg.private/a', 'reg.internal/a']],
    ['is of a cloud', ['metadata.google.internal/a', 'ip-10-0-0-1.ec2.internal/a']],
    [
      'is of a cluster',
      ['reg.default.svc/a', 'kubernetes.default.svc.cluster.local/a', 'reg.local/a', 'a.localdomain/a'],
    ],
    ['is of this machine', ['a.localhost/a', 'reg.localhost/a']],
    ['is kept for tests', ['reg.test/a', 'reg.invalid/a', 'reg.example/a', 'reg.onion/a', 'reg.alt/a']],
    [
      'spells out an address',
      ['10.0.0.1.nip.io/a', '10-0-0-1.sslip.io/a', '10.0.0.1.example.com/a', 'x.localtest.me/a'],
    ],
    ['has letters that only look like others', ['xn--80ak6aa92e.com/a', 'reg.xn--p1ai/a', 'dоcker.io/a', 'ｇhcr.io/a']],
    ['has capitals, or ends in a dot', ['REG.LAN/a', 'reg.lan./a', 'ghcr.io./a/b']],
    ['hides behind a user', ['user@ghcr.io/a', 'ghcr.io@10.0.0.1/a', 'ghcr.io#10.0.0.1/a', 'ghcr.io\\10.0.0.1/a']],
  ])('%s', (_what, images) => {
    expect(images.filter((image) => refusal(image) === undefined)).toEqual([]);
    // Nor by an entry of a list that means anywhere.
    expect(images.filter((image) => refusal(image, ['*', '*/*', 'reg*/*']) === undefined)).toEqual([]);
  });
});

test.each([
  'debian',
  'nvidia/cuda:12.4.1-base-ubuntu22.04',
  'docker.io/pytorch/pytorch:latest',
  'ghcr.io/a/b:1',
  'quay.io/a/b',
  'nvcr.io/nvidia/pytorch:24.01-py3',
  'registry.gitlab.com/a/b/c',
  '123456789012.dkr.ecr.us-east-1.amazonaws.com/a',
  'europe-west1-docker.pkg.dev/p/r/i',
  'registry-1.docker.io/library/debian',
  'reg.homes/a',
  'lan.example.com/a',
  'local.company/a',
])('%s is in a registry of the internet', (image) => expect(refusal(image)).toBeUndefined());

test('a registry inside is taken from whoever runs the site and spells it out', () => {
  expect(refusal('reg.lan:5000/team/a', ['reg.lan:5000/team/*'])).toBeUndefined();
  expect(refusal('10.0.0.7:5000/team/a', ['docker.io/*', '10.0.0.7:5000/*'])).toBeUndefined();
  expect(refusal('reg.lan:5000/team/a', ['docker.io/*'])).toBeDefined();
});
