import { describe, expect, test } from '@jest/globals';
import { fieldProblems } from '../../src/api/problem.js';
import { imageName, imageRefusal, parseImage } from '../../src/domain/image.js';
import { jobRequestSchema, type JobPolicy } from '../../src/domain/job-request.js';
import { parseSshPublicKey } from '../../src/domain/ssh-key.js';
import { sshKeys } from './api-ssh-keys.js';

const policy: JobPolicy = {
  defaultImage: 'nvidia/cuda:12.4.1-base-ubuntu22.04',
  images: { allowlist: [], requireDigest: false },
  templates: [],
  minDurationS: 60,
  maxDurationS: 30 * 86_400,
};
const schema = jobRequestSchema(policy);
const minimal = { ssh_public_keys: [sshKeys.ed25519] };

function read(body: unknown) {
  const result = schema.safeParse(body);
  return result.success ? result.data : fieldProblems(result.error.issues);
}

describe('the body of POST /jobs', () => {
  test('needs nothing but a key, and fills in the rest', () => {
    expect(read(minimal)).toEqual({
      gpuCount: 1,
      image: 'docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04',
      cpuCores: 4,
      memoryMb: 16_384,
      storageGb: 20,
      durationSeconds: 3_600,
      sshPublicKeys: [sshKeys.ed25519],
      env: {},
    });
  });

  test.each([
    [
      { cpu_cores: '4', memory_gb: '16Gi', storage_gb: '20Gi' },
      { cpuCores: 4, memoryMb: 16_384, storageGb: 20 },
    ],
    [
      { cpu_cores: '4000m', memory_gb: '16GB', storage_gb: '20480Mi' },
      { cpuCores: 4, memoryMb: 16_384, storageGb: 20 },
    ],
    [
      { cpu_cores: 2, memory_gb: '512Mi', storage_gb: 0.5 },
      { cpuCores: 2, memoryMb: 512, storageGb: 1 },
    ],
    [
      { memory_gb: 1.5, gpu_count: '2', duration_hours: '0.5' },
      { memoryMb: 1_536, gpuCount: 2, durationSeconds: 1_800 },
    ],
    [{ duration_hours: 0.1 }, { durationSeconds: 360 }],
    [{ shm_gb: 4 }, { shmMb: 4_096 }],
    [{ shm_gb: '512Mi' }, { shmMb: 512 }],
    [
      { memory_gb: 8, shm_gb: '8Gi' },
      { memoryMb: 8_192, shmMb: 8_192 },
    ],
    [{ gpu_type: 'NVIDIA GeForce RTX 4090' }, { gpuType: 'rtx-4090' }],
    [{ gpu: 'NVIDIA_GeForce_RTX_4090' }, { gpuType: 'rtx-4090' }],
    [{ gpu: 'RTX4090', gpu_type: 'RTX 4090' }, { gpuType: 'rtx-4090' }],
    [
      { min_vram_gb: '40', min_cuda: '12.4', architecture: 'aarch64' },
      { minVramGb: 40, minCuda: 12_004, architecture: 'arm64' },
    ],
    [
      { min_cuda: 12.4, architecture: 'x86_64' },
      { minCuda: 12_004, architecture: 'amd64' },
    ],
    [{ gpu_count: 0 }, { gpuCount: 0 }],
    [{ image: 'ubuntu' }, { image: 'docker.io/library/ubuntu:latest' }],
    [{ env: { TOKEN: '$(HOME) "quoted"' } }, { env: { TOKEN: '$(HOME) "quoted"' } }],
    [
      { env: { http_proxy: 'http://a', HTTP_PROXY: 'http://b', _x: '', NoCase1: 'x' } },
      { env: { http_proxy: 'http://a', HTTP_PROXY: 'http://b', _x: '', NoCase1: 'x' } },
    ],
    [
      { env: { NVIDIA_DRIVER_CAPABILITIES: 'compute,utility,video' } },
      { env: { NVIDIA_DRIVER_CAPABILITIES: 'compute,utility,video' } },
    ],
    [{ job_name: 'Übung 1' }, { jobName: 'Übung 1' }],
    [{ max_price_per_hour: '2.5' }, { maxPricePerHour: 2.5 }],
  ])('an order accepts %j as existing clients write it', (body, expected) => {
    expect(read({ ...minimal, ...body })).toMatchObject(expected);
  });

  test('an order treats an empty optional field as absent', () => {
    expect(read({ ...minimal, provider_id: '', gpu_type: '', job_name: null, image: '' })).toEqual(read(minimal));
  });

  test.each<[string, Record<string, unknown>]>([
    ['provider_id', { provider_id: 'No Such' }],
    ['provider_id', { provider_id: '../x' }],
    ['gpu_type', { gpu_type: '---' }],
    ['gpu_type', { gpu_type: 'RTX\u0000' }],
    ['gpu_type', { gpu_type: 'RTX 4090', gpu_count: 0 }],
    ['gpu', { gpu_type: 'RTX 4090', gpu: 'RTX 4080' }],
    ['gpu', { gpu: 'RTX 4090', gpu_count: 0 }],
    ['min_vram_gb', { min_vram_gb: 24, gpu_count: 0 }],
    ['min_vram_gb', { min_vram_gb: 0 }],
    ['min_cuda', { min_cuda: 'newest' }],
    ['architecture', { architecture: 'riscv64' }],
    ['gpu_count', { gpu_count: -1 }],
    ['gpu_count', { gpu_count: 1.5 }],
    ['gpu_count', { gpu_count: 65 }],
    ['gpu_count', { gpu_count: null }],
    ['job_name', { job_name: 'a\nb' }],
    ['job_name', { job_name: 'a\u202eb' }],
    ['job_name', { job_name: 'x'.repeat(65) }],
    ['image', { image: 'Ubuntu:22.04' }],
    ['image', { image: 'ubuntu; rm -rf /' }],
    ['image', { image: 'localhost:5000/x' }],
    ['image', { image: '10.0.0.1/x' }],
    ['image', { image: {} }],
    ['cpu_cores', { cpu_cores: 0 }],
    ['cpu_cores', { cpu_cores: '1500m' }],
    ['cpu_cores', { cpu_cores: '4 cores' }],
    ['cpu_cores', { cpu_cores: '0x10' }],
    ['memory_gb', { memory_gb: '16m' }],
    ['memory_gb', { memory_gb: '1e3' }],
    ['memory_gb', { memory_gb: -1 }],
    ['memory_gb', { memory_gb: [] }],
    ['storage_gb', { storage_gb: '20 parsecs' }],
    ['storage_gb', { storage_gb: 1e300 }],
    ['duration_hours', { duration_hours: 0 }],
    ['duration_hours', { duration_hours: -1 }],
    ['duration_hours', { duration_hours: 1e9 }],
    ['duration_hours', { duration_hours: 'NaN' }],
    ['ssh_public_keys', { ssh_public_keys: undefined }],
    ['ssh_public_keys', { ssh_public_keys: [] }],
    ['ssh_public_keys', { ssh_public_keys: sshKeys.ed25519 }],
    ['ssh_public_keys', { ssh_public_keys: Array(11).fill(sshKeys.ed25519) }],
    ['ssh_public_keys.0', { ssh_public_keys: ['ssh-ed25519 AAAA'] }],
    ['ssh_password', { ssh_password: 'hunter2' }],
    ['env', { env: [] }],
    ['env.1A', { env: { '1A': 'x' } }],
    ['env.A-B', { env: { 'A-B': 'x' } }],
    ['env.a.b', { env: { 'a.b': 'x' } }],
    ['env.HOME', { env: { HOME: '/tmp' } }],
    ['env.SSH_CONNECTION', { env: { SSH_CONNECTION: 'x' } }],
    ['env.KUBERNETES_SERVICE_HOST', { env: { KUBERNETES_SERVICE_HOST: 'x' } }],
    ['env.WORLDLAND_JOB_ID', { env: { WORLDLAND_JOB_ID: 'x' } }],
    ['env.NVIDIA_VISIBLE_DEVICES', { env: { NVIDIA_VISIBLE_DEVICES: 'all' } }],
    ['env.NVIDIA_DRIVER_CAPABILITIES', { env: { NVIDIA_DRIVER_CAPABILITIES: 'everything' } }],
    ['env.NVIDIA_DRIVER_CAPABILITIES', { env: { NVIDIA_DRIVER_CAPABILITIES: '' } }],
    ['env.NVIDIA_DRIVER_CAPABILITIES', { env: { NVIDIA_DRIVER_CAPABILITIES: 'compute, video' } }],
    ['shm_gb', { shm_gb: 0 }],
    ['shm_gb', { shm_gb: '16m' }],
    ['shm_gb', { memory_gb: 8, shm_gb: 8.5 }],
    ['shm_gb', { shm_gb: '17Gi' }],
    ['env.A', { env: { A: 'nul\u0000' } }],
    ['env.A', { env: { A: '\ud800' } }],
    ['env.A', { env: { A: 5 } }],
    ['env.A', { env: { A: 'x'.repeat(4_097) } }],
    ['env', { env: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`A${index}`, 'x'])) }],
    ['env', { env: Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`A${index}`, 'x'.repeat(4_000)])) }],
    ['max_price_per_hour', { max_price_per_hour: -1 }],
    ['wallet', { wallet: '0x1' }],
    ['price_per_hour', { price_per_hour: 0 }],
  ])('an order names %s when it is invalid: %j', (field, body) => {
    expect(read({ ...minimal, ...body })).toContainEqual({ field, message: expect.any(String) });
  });

  test('an order with a forbidden variable is told who sets that variable', () => {
    const names = ['HOME', 'NVIDIA_VISIBLE_DEVICES', 'KUBERNETES_PORT', 'WORLDLAND_GPU_COUNT'];
    const problems = read({ ...minimal, env: Object.fromEntries(names.map((name) => [name, 'x'])) });
    expect((problems as { message: string }[]).map(({ message }) => message)).toEqual([
      expect.stringMatching(/each login/),
      expect.stringMatching(/which GPUs/),
      expect.stringMatching(/Kubernetes/),
      expect.stringMatching(/what was rented/),
    ]);
    expect(read({ ...minimal, env: { NVIDIA_DRIVER_CAPABILITIES: 'compute,tv' } })).toEqual([
      { field: 'env.NVIDIA_DRIVER_CAPABILITIES', message: expect.stringMatching(/compute, .*video.* all$/) },
    ]);
  });

  test('an order may set variables that concern only the job’s own programs', () => {
    const env = Object.fromEntries(
      ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES', 'PATH', 'BASH_ENV', 'SSH_PRIVATE_KEY', 'HOSTNAME'].map(
        (name) => [name, 'x'],
      ),
    );
    expect(read({ ...minimal, env })).toMatchObject({ env });
  });

  test('an order gets all its problems at once', () => {
    const problems = read({ gpu_count: 'x', cpu_cores: 'x', ssh_password: 'x', extra: 1 });
    const fields = (problems as { field: string }[]).map(({ field }) => field);
    expect(fields.sort()).toEqual(['cpu_cores', 'extra', 'gpu_count', 'ssh_password', 'ssh_public_keys']);
  });

  test('an error about an order never repeats a password, a key or the value of a variable', () => {
    const secret = 'hunter2hunter2';
    const problems = read({ ssh_password: secret, ssh_public_keys: [`ssh-ed25519 ${secret}`], env: { HOME: secret } });
    expect(JSON.stringify(problems)).not.toContain(secret);
    expect(JSON.stringify(problems)).toContain('ssh_public_keys');
  });

  test.each([null, [], 'text', 5, true])('an order of %j is rejected because it is not an object', (body) => {
    expect(read(body)).toEqual([{ field: 'body', message: expect.any(String) }]);
  });
});

describe('SSH public keys', () => {
  const { rsa1024, ...acceptable } = sshKeys;

  test.each(Object.entries(acceptable))('an SSH key %s is accepted as ssh-keygen wrote it', (_, line) => {
    expect(parseSshPublicKey(line).line).toBe(line);
  });

  test('the comment of an SSH key is cleaned and the key unchanged', () => {
    const [type, blob] = sshKeys.ed25519.split(' ');
    expect(parseSshPublicKey(`  ${type}\t${blob}  Zoë's $(laptop) `).line).toBe(`${type} ${blob} Zo__s___laptop_`);
  });

  const blob = sshKeys.ed25519.split(' ')[1]!;
  test.each([
    ['options', `command="rm -rf /" ${sshKeys.ed25519}`, /without options/],
    ['two lines', `${sshKeys.ed25519}\n${sshKeys.ecdsa256}`, /one line/],
    ['control characters', `${sshKeys.ed25519}\u0007`, /control/],
    ['another type inside', `ssh-rsa ${blob}`, /another type/],
    ['short RSA', rsa1024, /1024 bits/],
    ['a cut blob', `ssh-ed25519 ${blob.slice(0, -8)}`, /cut short/],
    [
      'bytes after the key',
      `ssh-ed25519 ${Buffer.concat([Buffer.from(blob, 'base64'), Buffer.from('x')]).toString('base64')}`,
      /after/,
    ],
    ['base64 that is not canonical', `ssh-ed25519 ${blob.slice(0, 20)}*${blob.slice(20)}`, /base64/],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3M=', /key type/],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY----- b3Bl', /private key/],
    ['nothing', '', /key type/],
    ['an inherited name', 'constructor AAAA', /key type/],
  ])('an SSH key line with this fault is rejected: %s', (_, line, message) => {
    expect(() => parseSshPublicKey(line)).toThrow(message);
  });
});

describe('image references', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  test.each([
    ['ubuntu', 'docker.io/library/ubuntu:latest'],
    ['nvidia/cuda:12', 'docker.io/nvidia/cuda:12'],
    ['ghcr.io/a/b/c', 'ghcr.io/a/b/c:latest'],
    ['registry.example.com:5000/a:b', 'registry.example.com:5000/a:b'],
    [`ubuntu@${digest}`, `docker.io/library/ubuntu@${digest}`],
    [`ubuntu:22.04@${digest}`, `docker.io/library/ubuntu:22.04@${digest}`],
  ])('the image %s is read as %s', (text, name) => expect(imageName(parseImage(text))).toBe(name));

  test.each([
    '',
    '/',
    'a//b',
    'a:b:c',
    'a@sha256:1',
    'a@b@c',
    'A',
    'a/B',
    '-a',
    'a..b',
    'a b',
    'a:',
    ':a',
    'https://a.io/b',
    'a'.repeat(257),
    'a.io/',
  ])('the image %j is rejected', (text) => expect(() => parseImage(text)).toThrow());

  test.each([
    ['docker.io/nvidia/cuda', 'nvidia/cuda:12', true],
    ['docker.io/nvidia/cuda:12*', 'nvidia/cuda:12.4', true],
    ['docker.io/nvidia/cuda:12*', 'nvidia/cuda:11', false],
    ['docker.io/nvidia/cuda:12*', `nvidia/cuda:12@${digest}`, false],
    ['docker.io/nvidia/cuda:*', `nvidia/cuda:12@${digest}`, true],
    [`docker.io/nvidia/cuda@${digest}`, `nvidia/cuda@${digest}`, true],
    ['docker.io/nvidia/*', 'nvidia/cuda', true],
    ['docker.io/nvidia/*', 'nvidia-evil/cuda', false],
    ['docker.io/nvidia/cu*', 'nvidia/cuda/x', false],
    ['ghcr.io/*', 'ghcr.io/a/b', true],
    ['ghcr.io/*', 'ghcr.io.evil.com/a/b', false],
    ['registry.local:5000/*', 'registry.local:5000/x', true],
  ])('with %s listed, %s may run: %s', (entry, image, allowed) => {
    const refusal = imageRefusal(parseImage(image), { allowlist: [entry], requireDigest: false });
    expect(refusal === undefined).toBe(allowed);
  });

  test.each(['localhost/x', 'localhost:5000/x', '127.0.0.1/x', '169.254.169.254/x', 'registry:5000/x', 'a.svc/x'])(
    "without a list %s, inside somebody's network, is refused",
    (image) => expect(imageRefusal(parseImage(image), { allowlist: [], requireDigest: false })).toBeDefined(),
  );

  test('an image without a digest is rejected if the site requires one', () => {
    const wanted = { allowlist: [], requireDigest: true };
    expect(imageRefusal(parseImage('ubuntu'), wanted)).toMatch(/digest/);
    expect(imageRefusal(parseImage(`ubuntu@${digest}`), wanted)).toBeUndefined();
  });
});
