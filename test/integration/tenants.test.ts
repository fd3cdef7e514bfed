import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { V1NetworkPolicy, V1Pod, V1PodSpec, V1SecurityContext } from '@kubernetes/client-node';
import { jobObjectName, type JobOrder, type Placement } from '../../src/domain/job.js';
import { mergePatch, statusOf, unlessNotFound } from '../../src/kubernetes/client.js';
import { clusterRanges } from '../../src/kubernetes/cluster-ranges.js';
import { jobPod } from '../../src/kubernetes/manifests/job.js';
import { tenantNamespaceObject, type TenantQuota } from '../../src/kubernetes/manifests/tenant.js';
import { gpuResource } from '../../src/kubernetes/names.js';
import { ensureTenant, forgetTenant } from '../../src/kubernetes/tenants.js';
import { testOrder } from '../support/fleet.js';
import { decidedWithinMs, until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

const quota: TenantQuota = { maxJobs: 3, maxGpus: 4, maxPorts: 20 };
const placement: Placement = { providerId: 'none', nodeName: 'none', pricePerHour: 1 };
/** Of a machine with an address of its own in the internet. */
const publicAddress = { v4: '203.0.113.77', v6: '2001:db8:0:0:7::7' };

let world: World;
const wallets: string[] = [];
beforeAll(async () => {
  world = await createWorld({
    MAX_JOBS_PER_WALLET: 7,
    MAX_GPUS_PER_WALLET: 9,
    TENANT_CLOSED_CIDRS: ['198.51.100.0/24', '2001:db8:ffff::/48'],
  });
});
afterAll(async () => {
  for (const wallet of wallets) {
    await unlessNotFound(world.kubernetes.core.deleteNamespace({ name: namespaceOf(wallet) }));
  }
  await world.close();
});

const newTenant = () => {
  const wallet = `0x${randomBytes(20).toString('hex')}`;
  wallets.push(wallet);
  return wallet;
};
const ensure = (wallet: string, figures = quota, isolated = true) =>
  ensureTenant(world.kubernetes, namespaceOf(wallet), figures, isolated, 'tenants-test');
const policyOf = (namespace: string, name = 'tenant') =>
  unlessNotFound(world.kubernetes.networking.readNamespacedNetworkPolicy({ name, namespace }));
const quotaOf = (namespace: string) =>
  unlessNotFound(world.kubernetes.core.readNamespacedResourceQuota({ name: 'tenant', namespace }));
const limitsOf = (namespace: string) =>
  unlessNotFound(world.kubernetes.core.readNamespacedLimitRange({ name: 'tenant', namespace }));

/** What the API server says to a pod, without making it: `accepted`, or why it refuses. */
async function admission(namespace: string, pod: V1Pod): Promise<string> {
  // The quota of a new namespace has to be counted first, and its service account made.
  return await until(async () => {
    try {
      await world.kubernetes.core.createNamespacedPod({ namespace, body: pod, dryRun: 'All' });
      return 'accepted';
    } catch (error) {
      const { code, message } = statusOf(error)!;
      return /status unknown|serviceaccount/.test(message) ? undefined : `${code} ${message}`;
    }
  });
}

/** A job's pod as the broker makes it, with a stranger's wish in it. */
function podOf(order: JobOrder, change: (spec: V1PodSpec) => void = () => undefined): V1Pod {
  const settings = {
    sshServerImage: 'example.com/ssh:1',
    defaultImage: 'docker.io/library/default:1',
    pullUnresolved: 'Always' as const,
    activeDeadlineSeconds: 60,
    expiresAt: new Date().toISOString(),
  };
  const pod = jobPod(order, placement, [], settings);
  change(pod.spec!);
  return pod;
}
const job = (spec: V1PodSpec) => spec.containers[0]!;
const security = (change: V1SecurityContext) => (spec: V1PodSpec) => {
  job(spec).securityContext = { ...job(spec).securityContext, ...change };
};
const capability = (name: string) =>
  security({ capabilities: { drop: ['ALL'], add: [name] }, allowPrivilegeEscalation: true });

describe('a tenant’s pod', () => {
  let order: JobOrder;
  beforeAll(async () => {
    order = testOrder({ wallet: newTenant() });
    await ensure(order.wallet);
  });

  test('a tenant’s pod is accepted as the broker makes it', async () => {
    expect(await admission(namespaceOf(order.wallet), podOf(order))).toBe('accepted');
  });

  test.each<[string, (spec: V1PodSpec) => void]>([
    ['is privileged', security({ privileged: true, allowPrivilegeEscalation: true })],
    ['mounts a directory of the host', (spec) => spec.volumes!.push({ name: 'host', hostPath: { path: '/' } })],
    ['is in the host’s network', (spec) => (spec.hostNetwork = true)],
    ['sees the host’s processes', (spec) => (spec.hostPID = true)],
    ['shares the host’s memory', (spec) => (spec.hostIPC = true)],
    ['listens on a port of the host', (spec) => (job(spec).ports = [{ containerPort: 22, hostPort: 22 }])],
    ['adds SYS_ADMIN', capability('SYS_ADMIN')],
    ['adds NET_RAW', capability('NET_RAW')],
    ['adds NET_ADMIN', capability('NET_ADMIN')],
    ['adds SYS_PTRACE', capability('SYS_PTRACE')],
    ['adds all capabilities', capability('ALL')],
    ['runs without seccomp', security({ seccompProfile: { type: 'Unconfined' } })],
    ['runs without AppArmor', security({ appArmorProfile: { type: 'Unconfined' } })],
    ['sees all of /proc', security({ procMount: 'Unmasked' })],
    ['sets a sysctl of the host', (spec) => (spec.securityContext!.sysctls = [{ name: 'kernel.msgmax', value: '1' }])],
    ['is privileged in an init container', (spec) => (spec.initContainers![0]!.securityContext = { privileged: true })],
  ])('a tenant’s pod that %s is denied', async (_, change) => {
    const answer = await admission(namespaceOf(order.wallet), podOf(order, change));
    expect(answer).toMatch(/^4\d\d .*(violates PodSecurity "baseline:latest"|procMount)/);
  });

  test('a tenant’s pod without sizes gets the defaults of the namespace', async () => {
    const bare = podOf(order, (spec) => {
      for (const container of [...spec.containers, ...spec.initContainers!]) delete container.resources;
    });
    // The quota of a new namespace has to be counted first.
    expect(await admission(namespaceOf(order.wallet), bare)).toBe('accepted');
    const made = await world.kubernetes.core.createNamespacedPod({
      namespace: namespaceOf(order.wallet),
      body: bare,
      dryRun: 'All',
    });
    expect(made.spec!.containers[0]!.resources).toEqual({
      limits: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' },
      requests: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '64Mi' },
    });
  });

  test('a tenant’s pod beyond the quota is denied, whoever made the first one', async () => {
    const tenant = newTenant();
    await ensure(tenant, { maxJobs: 1, maxGpus: 2, maxPorts: 20 });
    const namespace = namespaceOf(tenant);
    const tooMany = testOrder({ wallet: tenant, gpuCount: 3 });
    // The cluster enforces a new quota as soon as it has counted what the namespace holds.
    await until(async () => /exceeded quota.*nvidia\.com\/gpu/.test(await admission(namespace, podOf(tooMany))));
    const first = podOf(testOrder({ wallet: tenant, gpuCount: 1 }));
    await until(async () => (await admission(namespace, first)) === 'accepted');
    await world.kubernetes.core.createNamespacedPod({ namespace, body: first });
    expect(await admission(namespace, podOf(testOrder({ wallet: tenant, gpuCount: 1 })))).toMatch(
      /exceeded quota.*pods/,
    );
  });

  test.each([['a load balancer', () => ({ type: 'LoadBalancer', ports: [{ port: 22 }] })]])(
    'a tenant cannot have %s',
    async (_, spec) => {
      const service = { metadata: { name: 'wish' }, spec: spec() };
      const asked = world.kubernetes.core.createNamespacedService({
        namespace: namespaceOf(order.wallet),
        body: service,
        dryRun: 'All',
      });
      await expect(asked).rejects.toMatchObject({ code: 403 });
    },
  );
});

describe('quota and defaults', () => {
  test('quota and defaults of a tenant are the configured ones, whatever the first job asks for', async () => {
    const providerId = await world.provider();
    const order = await world.order({ providerId, gpuCount: 2 });
    expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
    const { spec } = (await quotaOf(namespaceOf(order.wallet)))!;
    expect(spec!.hard).toEqual({
      pods: '7',
      'services.nodeports': '107',
      'services.loadbalancers': '0',
      persistentvolumeclaims: '0',
      [`requests.${gpuResource}`]: '9',
    });
    expect(await limitsOf(namespaceOf(order.wallet))).toBeDefined();
  });

  test('quota and defaults that change later reach an existing tenant', async () => {
    const tenant = newTenant();
    await ensure(tenant);
    await ensure(tenant, { maxJobs: 30, maxGpus: 40, maxPorts: 20 });
    expect((await quotaOf(namespaceOf(tenant)))!.spec!.hard).toMatchObject({ pods: '30' });
    // As another process would, which knows nothing of this one.
    forgetTenant(namespaceOf(tenant));
    await ensure(tenant, { maxJobs: 2, maxGpus: 0, maxPorts: 20 });
    expect((await quotaOf(namespaceOf(tenant)))!.spec!.hard).toMatchObject({
      pods: '2',
      [`requests.${gpuResource}`]: '0',
    });
  });

  test('a tenant’s policy that somebody changed by hand is restored', async () => {
    const tenant = newTenant();
    const namespace = namespaceOf(tenant);
    await ensure(tenant);
    const open = { spec: { egress: [{}] } };
    await world.kubernetes.networking.patchNamespacedNetworkPolicy(
      { name: 'tenant', namespace, body: open },
      mergePatch,
    );
    forgetTenant(namespaceOf(tenant));
    await ensure(tenant);
    expect(JSON.stringify((await policyOf(namespace))!.spec!.egress)).toContain('kube-dns');
  });
});

/** What a policy lets out: each range with what is taken from it. */
const waysOut = ({ spec }: V1NetworkPolicy) =>
  spec!.egress!.flatMap(({ to }) => to!.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock])));

describe('a tenant’s network', () => {
  let order: JobOrder;
  let pod: V1Pod;
  let own: V1NetworkPolicy;
  beforeAll(async () => {
    const providerId = await world.provider();
    await world.kubernetes.core.patchNodeStatus(
      {
        name: providerId,
        body: {
          status: {
            addresses: [
              { type: 'InternalIP', address: '198.18.0.1' },
              { type: 'ExternalIP', address: publicAddress.v4 },
              { type: 'ExternalIP', address: publicAddress.v6 },
              { type: 'Hostname', address: providerId },
            ],
          },
        },
      },
      mergePatch,
    );
    order = await world.order({ providerId });
    expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
    const name = jobObjectName(order.jobId);
    pod = await world.kubernetes.core.readNamespacedPod({ name, namespace: namespaceOf(order.wallet) });
    own = (await policyOf(namespaceOf(order.wallet), name))!;
  });

  test('a tenant’s network lets SSH in and name lookups out for every pod, and nothing else', async () => {
    const { spec } = (await policyOf(namespaceOf(order.wallet)))!;
    expect(spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ port: 2222, protocol: 'TCP' }] }],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
            },
          ],
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
      ],
    });
  });

  test('a tenant’s network lets a job out to the internet over IPv4 and IPv6', () => {
    expect(own.spec!.policyTypes).toEqual(['Egress']);
    const selected = own.spec!.podSelector!.matchLabels!;
    expect(Object.entries(selected).every(([name, value]) => pod.metadata!.labels![name] === value)).toBe(true);
    expect(waysOut(own).map(({ cidr }) => cidr)).toEqual(['0.0.0.0/0', '::/0']);
  });

  test.each([
    ['the metadata service of a cloud', '169.254.0.0/16'],
    ['private networks', '10.0.0.0/8'],
    ['private networks', '172.16.0.0/12'],
    ['private networks', '192.168.0.0/16'],
    ['a provider’s inner network', '100.64.0.0/10'],
    ['its machine', '127.0.0.0/8'],
    ['private networks of IPv6', 'fc00::/7'],
    ['link-local addresses of IPv6', 'fe80::/10'],
    ['private IPv4 behind a translator', '64:ff9b::/96'],
    ['its own machine by a public address', `${publicAddress.v4}/32`],
    ['its own machine by a public address of IPv6', '2001:db8::7:0:0:7/128'],
    ['what the operator closed', '198.51.100.0/24'],
    ['what the operator closed of IPv6', '2001:db8:ffff::/48'],
  ])('a tenant’s network is closed to %s (%s)', (_, range) => {
    const block = waysOut(own).find(({ cidr }) => cidr.includes(':') === range.includes(':'))!;
    expect(block.except).toContain(range);
  });

  test('a tenant’s network is closed to the ranges of the cluster’s Services and to its API server', async () => {
    const { items } = await world.kubernetes.networking.listServiceCIDR();
    const services = items.flatMap(({ spec }) => spec?.cidrs ?? []);
    expect(services.length).toBeGreaterThan(0);
    const closed = waysOut(own).flatMap(({ except }) => except ?? []);
    expect(closed).toEqual(expect.arrayContaining(services));
    const server = new URL(world.kubernetes.config.getCurrentCluster()!.server).hostname;
    expect(closed).toContain(`${server}/32`);
    const known = await clusterRanges(world.kubernetes, world.config);
    expect(closed).toEqual(expect.arrayContaining(known));
  });

  test('the network policy of a job is removed with the job', async () => {
    await world.commands.cancel(order.jobId, order.wallet, 20_000);
    const gone = async () => (await policyOf(namespaceOf(order.wallet), jobObjectName(order.jobId))) === undefined;
    expect(await until(gone)).toBe(true);
    expect(await policyOf(namespaceOf(order.wallet))).toBeDefined();
  });

  test('a tenant’s pod has no cluster token, no names of other Services and no privileges on the host', () => {
    const { spec } = pod;
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec!.volumes!.some(({ projected }) => projected !== undefined)).toBe(false);
    for (const container of [...spec!.containers, ...spec!.initContainers!]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});

describe('a namespace', () => {
  test('a namespace of another owner with a tenant’s name is left alone', async () => {
    const wallet = newTenant();
    await world.kubernetes.core.createNamespace({ body: { metadata: { name: namespaceOf(wallet) } } });
    await expect(ensure(wallet)).rejects.toMatchObject({ code: 'pod_refused' });
    expect(await policyOf(namespaceOf(wallet))).toBeUndefined();
  });

  test('a namespace that no longer enforces pod security takes no job', async () => {
    const wallet = newTenant();
    const body = tenantNamespaceObject(namespaceOf(wallet));
    body.metadata!.labels!['pod-security.kubernetes.io/enforce'] = 'privileged';
    await world.kubernetes.core.createNamespace({ body });
    await expect(ensure(wallet)).rejects.toMatchObject({ code: 'pod_refused' });
  });

  test('a namespace has the same name however its wallet is written, and the name does not contain the wallet', () => {
    const wallet = '0xAbCdEf0123456789AbCdEf0123456789AbCdEf01';
    expect(namespaceOf(wallet)).toMatch(/^tenant-[0-9a-f]{32}$/);
    expect(namespaceOf(wallet)).toBe(namespaceOf(wallet.toLowerCase()));
    expect(namespaceOf(wallet)).not.toContain('abcdef');
  });
});

describe('a tenant without isolation', () => {
  test('without isolation a tenant has a namespace that enforces pod security, and no policies or quota', async () => {
    const wallet = newTenant();
    const namespace = namespaceOf(wallet);
    await ensure(wallet, quota, false);
    expect(await Promise.all([policyOf(namespace), quotaOf(namespace), limitsOf(namespace)])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const answer = await admission(
      namespace,
      podOf(testOrder({ wallet }), (spec) => (spec.hostNetwork = true)),
    );
    expect(answer).toContain('violates PodSecurity');
  });

  test('turning isolation off opens the network of an existing tenant, and turning it on closes it again', async () => {
    const wallet = newTenant();
    const namespace = namespaceOf(wallet);
    await ensure(wallet);
    await ensure(wallet, quota, false);
    expect((await policyOf(namespace))!.spec).toMatchObject({ ingress: [{}], egress: [{}] });
    await ensure(wallet);
    expect((await policyOf(namespace))!.spec!.egress).toHaveLength(1);
    expect((await policyOf(namespace))!.spec!.ingress).toEqual([{ ports: [{ port: 2222, protocol: 'TCP' }] }]);
  });
});
