import { expect, test } from '@jest/globals';
import type { V1Pod } from '@kubernetes/client-node';
import { pullErrorKind } from '../../src/domain/pull-errors.js';
import { observePod } from '../../src/kubernetes/observe-pod.js';

/** What containerd says of hosts in the network of a provider, each of another state. */
const inside = [
  'failed to do request: Head "https://10.0.0.7/v2/a/manifests/latest": dial tcp 10.0.0.7:443: connect: connection refused',
  'failed to do request: Head "https://10.0.0.7/v2/a/manifests/latest": dial tcp 10.0.0.7:443: i/o timeout',
  'failed to do request: Head "https://10.0.0.7/v2/a/manifests/latest": dial tcp 10.0.0.7:443: connect: no route to host',
  'failed to do request: Head "https://nas.lan/v2/a/manifests/latest": dial tcp: lookup nas.lan on 192.168.1.1:53: no such host',
  'failed to do request: Head "https://nas.lan/v2/a/manifests/latest": dial tcp: lookup nas.lan: not found',
  'failed to do request: Head "https://10.0.0.7/v2/": http: server gave HTTP response to HTTPS client',
  'failed to do request: Head "https://10.0.0.7/v2/": tls: failed to verify certificate: x509: certificate is valid for nas.lan',
  'unexpected status from HEAD request to https://10.0.0.7/v2/a/manifests/latest: 502 Bad Gateway',
  'unexpected status from HEAD request to https://10.0.0.7/v2/a/manifests/latest: 500 Internal Server Error',
  'failed to do request: Head "https://10.0.0.7/v2/": EOF',
];

test('whatever a host in somebody’s network does that is no registry, a customer reads the same', () => {
  expect(new Set(inside.map((words) => pullErrorKind(words)))).toEqual(
    new Set(['the machine did not get it from the registry']),
  );
});

test.each([
  ['docker.io/library/x:1: not found', 'the registry does not have it'],
  ['manifest unknown: manifest unknown', 'the registry does not have it'],
  ['pull access denied, repository does not exist or may require authorization', 'gives it to nobody without a login'],
  ['failed to authorize: failed to fetch anonymous token: 401 Unauthorized', 'gives it to nobody without a login'],
  ['no match for platform in manifest: not found', 'not made for this kind of machine'],
  ['write /var/lib/containerd/x: no space left on device', 'no room for it'],
  ['429 Too Many Requests - toomanyrequests: You have reached your pull rate limit', 'too many requests'],
])('that an image fails with %j, a customer is told in its kind', (words, kind) => {
  expect(pullErrorKind(words)).toContain(kind);
});

test.each(inside)('of %j nothing reaches a customer but the kind, and an operator reads all of it', (words) => {
  const state = { waiting: { reason: 'ErrImagePull', message: words } };
  const pod = {
    metadata: { name: 'job', uid: 'u', resourceVersion: '1' },
    status: {
      phase: 'Pending',
      containerStatuses: [
        { name: 'job', image: 'reg.example.com/a:1', imageID: '', ready: false, restartCount: 0, state },
      ],
    },
  } as V1Pod;
  const { stuck } = observePod(pod);
  expect(stuck).toMatchObject({
    reason: 'image_pull_failed',
    message: 'reg.example.com/a:1: the machine did not get it from the registry',
    words: `reg.example.com/a:1: ${words}`,
  });
});
