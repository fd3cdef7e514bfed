import { expect, test } from '@jest/globals';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import type { JobRow } from '../../src/db/jobs.js';
import { knownHostsLine, type JobOrder, type Placement } from '../../src/domain/job.js';
import { jobPod, jobSecret } from '../../src/kubernetes/manifests/job.js';
import { newSshHostKey, publicSshHostKey } from '../../src/kubernetes/ssh-host-key.js';

/** The example of RFC 8410, 10.3; its public key stands in 10.1. */
const privateKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh';
/** What `ssh-keygen -l` prints for it. */
const fingerprint = 'SHA256:ebCT4wkJOqO5AIlHG03cHvn3Cr3ZZEEh8m81duHhR3Q';

const order: JobOrder = {
  jobId: '01890a5d-ac96-774b-bcce-b302099a8057',
  wallet: '0x00000000000000000000000000000000000000aa',
  gpuCount: 1,
  cpuCores: 4,
  memoryMb: 16_384,
  storageGb: 20,
  image: 'docker.io/library/debian:12',
  durationSeconds: 3_600,
};
const placement: Placement = { providerId: 'atlas', nodeName: 'atlas', pricePerHour: 1 };

test('the public half of a host key is in the form that ssh knows', () => {
  expect(publicSshHostKey(privateKey)).toBe(publicKey);
});

test('every job gets a host key of its own', () => {
  expect(publicSshHostKey(newSshHostKey())).not.toBe(publicSshHostKey(newSshHostKey()));
});

test('a host key that cannot be used is not repeated in the error', () => {
  const broken = privateKey.replace('MC4CAQ', 'AAAAAA');
  expect(() => publicSshHostKey(broken)).toThrow(/^the host key cannot be read$/);
});

test('a known_hosts line names the port unless it is that of SSH', () => {
  const access = { host: '203.0.113.7', user: 'root' as const, hostKey: publicKey };
  expect(knownHostsLine({ ...access, port: 30_022 })).toBe(`[203.0.113.7]:30022 ${publicKey}`);
  expect(knownHostsLine({ ...access, port: 22 })).toBe(`203.0.113.7 ${publicKey}`);
});

test('the private key is in the Secret of the job, and the pod only mounts it', () => {
  const secret = jobSecret(order, placement, { sshPublicKeys: [], env: {} }, privateKey);
  expect(secret.stringData?.['ssh_host_key']).toBe(privateKey);
  const pod = jobPod(order, placement, [], {
    sshServerImage: 'ssh-server:1',
    defaultImage: 'docker.io/library/default:1',
    pullUnresolved: 'Always',
    activeDeadlineSeconds: 60,
    expiresAt: '2030-01-01T00:00:00Z',
  });
  expect(JSON.stringify(pod)).not.toContain('PRIVATE KEY');
  const volume = pod.spec?.volumes?.find((one) => one.secret?.items?.some(({ key }) => key === 'ssh_host_key'));
  expect(volume?.secret).toMatchObject({ secretName: secret.metadata?.name, defaultMode: 0o400 });
});

test('an environment cannot put itself in the place of the host key', () => {
  const secret = jobSecret(order, placement, { sshPublicKeys: [], env: { ssh_host_key: 'mine' } }, privateKey);
  expect(secret.stringData?.['ssh_host_key']).toBe(privateKey);
});

test('the reply lets a customer check whom they talk to', () => {
  const job: JobRow = {
    ...order,
    durationS: 3_600,
    requestSha256: '',
    status: 'running',
    message: '',
    createdAt: new Date(),
    ssh: { host: '203.0.113.7', port: 30_022, user: 'root', hostKey: publicKey },
  };
  expect(jobReplyOf(job)).toMatchObject({
    ssh_host_key: publicKey,
    ssh_host_key_fingerprint: fingerprint,
    known_hosts: `[203.0.113.7]:30022 ${publicKey}`,
  });
});
