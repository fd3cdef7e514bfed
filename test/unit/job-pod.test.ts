import { describe, expect, test } from '@jest/globals';
import type { V1Container, V1EnvVar } from '@kubernetes/client-node';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { orderOfJob, type JobRow } from '../../src/db/job-row.js';
import type { JobOrder, Placement } from '../../src/domain/job.js';
import { jobPod, jobSecret, type JobManifestSettings } from '../../src/kubernetes/manifests/job.js';

const order: JobOrder = {
  jobId: '01890a5d-ac96-774b-bcce-b302099a8057',
  wallet: '0x00000000000000000000000000000000000000aa',
  gpuCount: 2,
  cpuCores: 6,
  memoryMb: 16_384,
  storageGb: 20,
  image: 'docker.io/library/debian:12',
  durationSeconds: 3_600,
};
const placement: Placement = {
  providerId: 'atlas',
  nodeName: 'atlas',
  gpuType: 'rtx-4090',
  gpuModel: 'NVIDIA GeForce RTX 4090 $(HOME)',
  pricePerHour: 1,
};
const settings: JobManifestSettings = {
  sshServerImage: 'ssh-server:1',
  defaultImage: 'docker.io/library/default:1',
  pullUnresolved: 'Always',
  activeDeadlineSeconds: 60,
  expiresAt: '2030-01-01T00:00:00Z',
};

const specOf = (change: Partial<JobOrder> = {}, names: string[] = [], otherwise: Partial<JobManifestSettings> = {}) =>
  jobPod({ ...order, ...change }, placement, names, { ...settings, ...otherwise }).spec!;
const jobOf = (...given: Parameters<typeof specOf>): V1Container => specOf(...given).containers[0]!;
const valuesOf = (env: V1EnvVar[]) => Object.fromEntries(env.map(({ name, value }) => [name, value]));

test('what copies the SSH server into a job has the processors of the job, and takes nothing more of the machine', () => {
  const { initContainers, containers } = specOf();
  const [copying, job] = [initContainers![0]!.resources!, containers[0]!.resources!];
  expect(copying.limits).toEqual({ cpu: job.limits!['cpu'], memory: '64Mi' });
  expect(copying.requests).toEqual(copying.limits);
});

describe('the shared memory of a job', () => {
  const shm = (change: Partial<JobOrder>) => {
    const { volumes, containers } = specOf(change);
    const { name } = containers[0]!.volumeMounts!.find(({ mountPath }) => mountPath === '/dev/shm')!;
    return volumes!.find((volume) => volume.name === name)!.emptyDir;
  };

  test('the shared memory of a job is half of its memory by default', () => {
    expect(shm({})).toEqual({ medium: 'Memory', sizeLimit: '8192Mi' });
    expect(shm({ memoryMb: 129 })).toEqual({ medium: 'Memory', sizeLimit: '64Mi' });
  });

  test('the shared memory of a job is what the order says', () => {
    expect(shm({ shmMb: 1_024 })).toEqual({ medium: 'Memory', sizeLimit: '1024Mi' });
  });

  test('the shared memory of a job takes nothing beyond the ordered memory', () => {
    expect(jobOf({ shmMb: 1_024 }).resources!.limits).toMatchObject({ memory: '16384Mi' });
  });

  test('the shared memory of a job is in the reply, even by default', () => {
    const { jobId, ...row } = order;
    const job: JobRow = {
      ...{ ...row, jobId, durationS: 3_600, requestSha256: '', status: 'pending', message: '' },
      createdAt: new Date(),
    };
    expect(jobReplyOf(job).shm_gb).toBe(8);
    expect(jobReplyOf({ ...job, shmMb: 512 }).shm_gb).toBe(0.5);
    expect(orderOfJob(job)).not.toHaveProperty('shmMb');
    expect(orderOfJob({ ...job, shmMb: 512 }).shmMb).toBe(512);
  });
});

describe('the environment of a job', () => {
  test('the environment of a job says what was rented', () => {
    expect(valuesOf(jobOf({ shmMb: 512 }).env!)).toMatchObject({
      WORLDLAND_JOB_ID: order.jobId,
      WORLDLAND_PROVIDER_ID: 'atlas',
      WORLDLAND_GPU_COUNT: '2',
      WORLDLAND_GPU_TYPE: 'rtx-4090',
      WORLDLAND_CPU_CORES: '6',
      WORLDLAND_MEMORY_MB: '16384',
      WORLDLAND_SHM_MB: '512',
      WORLDLAND_STORAGE_GB: '20',
    });
  });

  test('the environment of a job without GPUs names no GPU type', () => {
    const { gpuType: _, ...anywhere } = placement;
    const { containers } = jobPod({ ...order, gpuCount: 0 }, anywhere, [], settings).spec!;
    const values = valuesOf(containers[0]!.env!);
    expect(values).toMatchObject({ WORLDLAND_GPU_COUNT: '0', NVIDIA_VISIBLE_DEVICES: 'none' });
    expect(values).not.toHaveProperty('WORLDLAND_GPU_TYPE');
  });

  const threads = ['OMP', 'MKL', 'OPENBLAS', 'BLIS', 'NUMEXPR', 'RAYON'].map((library) => `${library}_NUM_THREADS`);

  test('libraries in a job start as many threads as the order has cores, not the machine', () => {
    expect(valuesOf(jobOf().env!)).toMatchObject(Object.fromEntries(threads.map((name) => [name, '6'])));
  });

  test('a customer’s own value of a variable replaces the default, once', () => {
    const env = jobOf({}, ['OMP_NUM_THREADS', 'http_proxy', 'HTTP_PROXY']).env!;
    expect(env.filter(({ name }) => name === 'OMP_NUM_THREADS')).toEqual([
      { name: 'OMP_NUM_THREADS', valueFrom: { secretKeyRef: expect.objectContaining({ key: 'env.OMP_NUM_THREADS' }) } },
    ]);
    expect(valuesOf(env)).toMatchObject({ MKL_NUM_THREADS: '6' });
    expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining(['http_proxy', 'HTTP_PROXY']));
    expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
  });

  test('the environment of a job holds no text of a provider that Kubernetes would expand', () => {
    expect(JSON.stringify(jobOf().env)).not.toContain('$(');
  });
});

test('root in a job can do what package managers and services do, and cannot make devices', () => {
  expect([...jobOf().securityContext!.capabilities!.add!].sort()).toEqual([
    'AUDIT_WRITE',
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'NET_BIND_SERVICE',
    'SETFCAP',
    'SETGID',
    'SETPCAP',
    'SETUID',
    'SYS_CHROOT',
  ]);
  expect(jobOf().securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
  expect(specOf().initContainers![0]!.securityContext!.capabilities).toEqual({ drop: ['ALL'] });
});

describe('the image of a job', () => {
  const digest = `sha256:${'a'.repeat(64)}`;

  test.each(['docker.io/library/debian:12', `docker.io/library/debian@${digest}`])(
    'an image that was not resolved is pulled as the site says, since another customer may have brought it: %s',
    (image) => {
      expect(jobOf({ image }).imagePullPolicy).toBe('Always');
      expect(jobOf({ image }, [], { pullUnresolved: 'IfNotPresent' }).imagePullPolicy).toBe('IfNotPresent');
    },
  );

  test.each(['docker.io/library/debian:12', `docker.io/library/debian:12@${digest}`])(
    'an image that was resolved runs by its digest alone, and is pulled once: %s',
    (image) => {
      const container = jobOf({ image, imageDigest: digest });
      expect(container.image).toBe(`docker.io/library/debian@${digest}`);
      expect(container.imagePullPolicy).toBe('IfNotPresent');
    },
  );
});

describe('a private image', () => {
  const inputs = { sshPublicKeys: ['ssh-ed25519 AAAA'], env: { A: 'b' } };
  const registryAuth = { username: 'robot', password: 'p:a$$' };
  const secretOf = (image: string) =>
    jobSecret({ ...order, image }, placement, { ...inputs, registryAuth }, 'host key').stringData!;

  test('a private image is pulled with the Secret of its own job, and no other', () => {
    expect(jobPod(order, placement, [], settings, true).spec!.imagePullSecrets).toEqual([
      { name: `job-${order.jobId}` },
    ]);
    expect(specOf().imagePullSecrets).toBeUndefined();
  });

  test('the login of a private image is in a Secret that kubelets read, for its registry alone', () => {
    const secret = jobSecret(order, placement, { ...inputs, registryAuth }, 'host key');
    expect(secret.type).toBe('kubernetes.io/dockerconfigjson');
    const auth = Buffer.from('robot:p:a$$').toString('base64');
    expect(JSON.parse(secretOf('ghcr.io/me/own:1')['.dockerconfigjson']!)).toEqual({
      auths: { 'ghcr.io': { ...registryAuth, auth } },
    });
    expect(Object.keys(JSON.parse(secretOf('me/own')['.dockerconfigjson']!).auths)).toEqual([
      'https://index.docker.io/v1/',
    ]);
    expect(jobSecret(order, placement, inputs, 'host key').type).toBe('Opaque');
  });

  test('the login of a private image is mounted nowhere and in no variable', () => {
    const pod = jobPod(order, placement, ['A'], settings, true);
    expect(JSON.stringify(pod)).not.toMatch(/dockerconfigjson|p:a/);
    const items = pod.spec!.volumes!.flatMap(({ secret }) => secret?.items ?? []).map(({ key }) => key);
    expect(items).toEqual(['authorized_keys', 'ssh_host_key']);
  });
});

test('a job looks up internet names as they are, and not within the cluster first', () => {
  expect(specOf()).toMatchObject({
    dnsPolicy: 'ClusterFirst',
    dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
  });
});

describe('the user namespace of a job', () => {
  test('a job has its own user namespace where the machine supports that', () => {
    expect(specOf({}, [], { userNamespaces: true }).hostUsers).toBe(false);
  });

  test('a job leaves the user namespace to a machine that does not support its own', () => {
    expect(specOf()).not.toHaveProperty('hostUsers');
    expect(specOf({}, [], { userNamespaces: false })).not.toHaveProperty('hostUsers');
  });
});
