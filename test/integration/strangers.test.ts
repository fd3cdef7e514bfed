import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PatchStrategy, setHeaderOptions, type V1Pod } from '@kubernetes/client-node';
import { nodeCertificateRequest } from '../../engines/simulated-provider/certificate.js';
import { ask, Denied, type Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { connectKubernetes, unlessNotFound, type Kubernetes } from '../../src/kubernetes/client.js';
import { labels, managedBy } from '../../src/kubernetes/names.js';
import { endpoint } from '../support/engines.js';
import { accessOf, joinStranger, joinToken, nodeIdentity, type Stranger } from '../support/stranger.js';
import { until } from '../support/until.js';

// What somebody does who has let his machine join and has become root on it: raw calls with its certificate and with what
// lies on its disk. The policies that an operator applies are in force.
const suffix = randomUUID().slice(0, 8);
const tenant = `tenant-${suffix}`;
/** Where DaemonSets of the operator are. */
const system = `system-${suffix}`;
let kubernetes: Kubernetes;
let admin: Access;
let stranger: Stranger;
let victim: Stranger;
/** A machine of the operator, which has a name and no provider's label. */
const ownNode = `own-${suffix}`;
let own: Access;

beforeAll(async () => {
  kubernetes = connectKubernetes({ KUBECONFIG: endpoint('kubeconfig') });
  admin = accessOf(endpoint('kubeconfig'));
  stranger = await joinStranger(kubernetes, admin, `p-stranger-${suffix}`);
  victim = await joinStranger(kubernetes, admin, `p-victim-${suffix}`);
  await kubernetes.core.createNode({ body: { metadata: { name: ownNode } } });
  own = await nodeIdentity(kubernetes, admin, ownNode);
  for (const name of [tenant, system]) {
    await kubernetes.core.createNamespace({ body: { metadata: { name } } });
    await until(
      async () =>
        (await unlessNotFound(kubernetes.core.readNamespacedServiceAccount({ name: 'default', namespace: name }))) !==
        undefined,
    );
  }
}, 120_000);
afterAll(async () => {
  for (const name of [tenant, system]) await kubernetes.core.deleteNamespace({ name });
  for (const name of [stranger.nodeName, victim.nodeName, ownNode]) await kubernetes.core.deleteNode({ name });
  await unlessNotFound(kubernetes.rbac.deleteClusterRoleBinding({ name: `worldland:own-node:${ownNode}` }));
  await unlessNotFound(kubernetes.rbac.deleteClusterRole({ name: system }));
  await unlessNotFound(kubernetes.rbac.deleteClusterRoleBinding({ name: system }));
});

/** What the API server says to it; empty when it does it. */
async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return '';
  } catch (error) {
    if (error instanceof Denied) return error.message;
    const { body } = error as { body?: string };
    if (body === undefined) throw error;
    return body;
  }
}
const by = (policy: string) => new RegExp(`ValidatingAdmissionPolicy '${policy}'`);

/** What runs in it, if anything ran: nothing that pod security would refuse anywhere. */
const harmless = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    { name: 'a', image: 'a', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
  ],
};
const mirror = (nodeName: string, uid: string, labelled: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `mirror-${randomUUID().slice(0, 8)}`,
    labels: labelled,
    annotations: { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid, controller: true }],
  },
  spec: { nodeName, ...harmless },
});

describe('the owner of a machine in the fleet', () => {
  test.each([
    ['behind the cluster’s name server', 'kube-system', { 'k8s-app': 'kube-dns' }],
    ['behind the broker', 'worldland-system', { app: 'broker', role: 'api' }],
    ['into a customer’s quota, as a job', tenant, { [labels.managedBy]: managedBy, [labels.gpuRental]: 'true' }],
  ])('the owner of a machine cannot put a pod of its own %s', async (_, namespace, labelled) => {
    const pod = mirror(stranger.nodeName, stranger.uid, labelled);
    const refused = await refusalOf(ask(stranger.access, 'POST', `/api/v1/namespaces/${namespace}/pods`, pod));
    expect(refused).toMatch(by('worldland-nodes'));
  });

  test.each([
    ['for a job’s account', () => tenant, 3_600],
    ['that lasts until it is forgotten', () => system, 86_401],
  ])('the owner of a machine cannot mint a token %s', async (_, place, expirationSeconds) => {
    const pod = await putPod(place(), stranger.nodeName);
    // The Node authorizer hears of the pod a moment later, and refuses until then. The API server says so, or that it
    // could not ask the broker's authorizer, which does not run here.
    const refused = await until(async () => {
      const said = await refusalOf(tokenOf(stranger.access, pod, expirationSeconds));
      return /no relationship found|connection refused/.test(said) ? undefined : said;
    });
    expect(refused).toMatch(by('worldland-nodes'));
  });

  test('the owner of a machine cannot mint a token for a pod on another machine', async () => {
    const pod = await putPod(system, victim.nodeName);
    // With nobody in favour, it is refused by the answer that the broker's authorizer, which does not run here, was not asked.
    const refused = /Forbidden|forbidden|not allowed|connection refused/;
    expect(await refusalOf(tokenOf(stranger.access, pod, 3_600))).toMatch(refused);
  });

  test('the owner of a machine cannot have the addresses of other pods routed to it', async () => {
    const nodeName = `p-greedy-${suffix}`;
    const access = await nodeIdentity(kubernetes, admin, nodeName);
    const register = (spec: object) =>
      ask(access, 'POST', '/api/v1/nodes?dryRun=All', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: nodeName },
        spec,
      });
    const range = '10.128.0.0/9';
    expect(await refusalOf(register({ podCIDR: range, podCIDRs: [range] }))).toMatch(by('worldland-nodes'));
    expect(await refusalOf(register({}))).toBe('');
  });

  test('the owner of a machine cannot hold what others delete, neither its pods nor itself', async () => {
    const name = `held-${randomUUID().slice(0, 8)}`;
    const { nodeName } = stranger;
    const body = { metadata: { name }, spec: { nodeName, terminationGracePeriodSeconds: 0, ...harmless } };
    await kubernetes.core.createNamespacedPod({ namespace: tenant, body });
    const change = (path: string, body: object) =>
      refusalOf(ask(stranger.access, 'PATCH', path, body, 'application/merge-patch+json'));
    const held = { metadata: { finalizers: ['example.com/mine'] } };
    const pod = `/api/v1/namespaces/${tenant}/pods/${name}/status`;
    const node = `/api/v1/nodes/${nodeName}`;
    for (const path of [pod, node, `${node}/status`]) expect(await change(path, held)).toMatch(by('worldland-nodes'));
    // What it reports is its own.
    expect(await change(pod, { status: { message: 'it is well' } })).toBe('');
    expect(await change(`${node}/status`, { status: { nodeInfo: { kernelVersion: '6' } } })).toBe('');
    await kubernetes.core.deleteNamespacedPod({ namespace: tenant, name, gracePeriodSeconds: 0 });
  });

  test('the owner of a machine cannot report for another machine, or change what another reported', async () => {
    const path = `/api/v1/namespaces/${tenant}/events`;
    const event = (nodeName: string) => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `event-${randomUUID()}`, namespace: tenant },
      involvedObject: { kind: 'Pod', namespace: tenant, name: 'job' },
      source: { component: 'kubelet', host: nodeName },
      reportingComponent: 'kubelet',
      reportingInstance: nodeName,
      reason: 'Test',
      message: 'of a test',
      type: 'Normal',
    });
    expect(await refusalOf(ask(stranger.access, 'POST', path, event(victim.nodeName)))).toMatch(by('worldland-nodes'));
    const reported = event(victim.nodeName);
    await ask(victim.access, 'POST', path, reported);
    const change = { message: 'changed', reportingInstance: stranger.nodeName, source: { host: stranger.nodeName } };
    const changed = ask(
      stranger.access,
      'PATCH',
      `${path}/${reported.metadata.name}`,
      change,
      'application/merge-patch+json',
    );
    expect(await refusalOf(changed)).toMatch(by('worldland-nodes'));
    await ask(stranger.access, 'POST', path, event(stranger.nodeName));
  });

  test('the owner of a machine cannot keep a customer’s namespace with an event that nobody can delete', async () => {
    const path = `/api/v1/namespaces/${tenant}/events`;
    const finalizers = ['example.com/mine'];
    const name = `event-${randomUUID()}`;
    const event = {
      ...{ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: tenant } },
      involvedObject: { kind: 'Pod', namespace: tenant, name: 'job' },
      source: { component: 'kubelet', host: stranger.nodeName },
      ...{ reportingComponent: 'kubelet', reportingInstance: stranger.nodeName, reason: 'Test', type: 'Normal' },
    };
    const held = { ...event, metadata: { ...event.metadata, finalizers } };
    expect(await refusalOf(ask(stranger.access, 'POST', path, held))).toMatch(by('worldland-nodes'));
    await ask(stranger.access, 'POST', path, event);
    const hold = ask(
      ...([stranger.access, 'PATCH', `${path}/${name}`, { metadata: { finalizers } }] as const),
      'application/merge-patch+json',
    );
    expect(await refusalOf(hold)).toMatch(by('worldland-nodes'));
  });

  test('the owner of a machine can ask for no certificate but a kubelet’s, with its own certificate or with a join token', async () => {
    const request = Buffer.from((await nodeCertificateRequest(stranger.nodeName)).request).toString('base64');
    const asked = (access: Access, signerName: string) =>
      ask(access, 'POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { generateName: 'stranger-' },
        spec: { request, signerName, usages: ['digital signature', 'client auth'] },
      });
    for (const access of [stranger.access, await joinToken(kubernetes, admin)]) {
      expect(await refusalOf(asked(access, 'kubernetes.io/kube-apiserver-client'))).toMatch(
        by('worldland-certificate-requests'),
      );
      expect(await refusalOf(asked(access, 'kubernetes.io/kube-apiserver-client-kubelet'))).toBe('');
    }
  });
});

describe('an operator', () => {
  test('an operator has static pods on the named machines, and tokens for what runs there', async () => {
    const { metadata } = await kubernetes.core.readNode({ name: ownNode });
    const make = () =>
      ask(own, 'POST', '/api/v1/namespaces/kube-system/pods', mirror(ownNode, metadata!.uid!, { component: 'etcd' }));
    expect(await refusalOf(make())).toMatch(by('worldland-nodes'));
    await kubernetes.rbac.createClusterRoleBinding({
      body: {
        metadata: { name: `worldland:own-node:${ownNode}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'worldland:own-node' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: `system:node:${ownNode}` }],
      },
    });
    await until(async () => (await refusalOf(make())) === '', { name: 'its machine may make static pods' });
    const pod = await putPod('worldland-system', ownNode);
    await until(async () => (await refusalOf(tokenOf(own, pod, 3_600))) === '', { name: 'its pod has a token' });
    await kubernetes.core.deleteNamespacedPod({
      name: pod.metadata!.name!,
      namespace: 'worldland-system',
      gracePeriodSeconds: 0,
    });
  });

  test.each([
    ['a customer’s pod, wherever it is', () => tenant, () => ownNode, 'worldland-added-containers'],
    ['a pod on a provider’s machine', () => system, () => stranger.nodeName, 'worldland-added-containers-on-nodes'],
  ])('an operator cannot add a container to %s', async (_, place, nodeName, policy) => {
    const pod = await putPod(place(), nodeName());
    expect(await refusalOf(addContainer(pod))).toMatch(by(policy));
  });

  test('an operator can add a container to any other pod', async () => {
    expect(await refusalOf(addContainer(await putPod(system, ownNode)))).toBe('');
  });

  test('an operator can give tokens to DaemonSets on providers’ machines as everywhere', async () => {
    const pod = await putPod(system, stranger.nodeName);
    await until(async () => (await refusalOf(tokenOf(stranger.access, pod, 3_600))) === '', {
      name: 'the pod gets its token',
    });
  });
});

describe('a machine with a DaemonSet account that may write about all nodes', () => {
  /** A pod on that node, and whoever has the token that it was given. */
  async function daemonOn(nodeName: string): Promise<[Access, V1Pod]> {
    const pod = await putPod(system, nodeName);
    const { status } = await tokenOf(admin, pod, 3_600);
    return [{ server: admin.server, ca: admin.ca!, token: status.token }, pod];
  }
  let daemon: Access;
  let daemonPod: V1Pod;

  beforeAll(async () => {
    const verbs = ['get', 'list', 'create', 'update', 'patch', 'delete'];
    await kubernetes.rbac.createClusterRole({
      body: {
        metadata: { name: system },
        rules: [
          {
            apiGroups: [''],
            resources: ['nodes', 'nodes/status', 'pods', 'pods/status', 'services', 'services/status'],
            verbs,
          },
          { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs },
          { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs },
        ],
      },
    });
    await kubernetes.rbac.createClusterRoleBinding({
      body: {
        metadata: { name: system },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: system },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: system }],
      },
    });
    [daemon, daemonPod] = await daemonOn(stranger.nodeName);
    await until(async () => (await refusalOf(ask(daemon, 'GET', '/api/v1/nodes?limit=1'))) === '', {
      name: 'the account may what its role says',
    });
  });

  const patch = (access: Access, path: string, body: object) =>
    refusalOf(ask(access, 'PATCH', `${path}?dryRun=All`, body, 'application/merge-patch+json'));
  const ready = { status: { conditions: [{ type: 'Ready', status: 'False', reason: 'Stolen' }] } };
  const statusOf = (nodeName: string) => `/api/v1/nodes/${nodeName}/status`;

  test('a machine with a DaemonSet’s account can write about itself and its pods', async () => {
    expect(await patch(daemon, statusOf(stranger.nodeName), ready)).toBe('');
    const path = `/api/v1/namespaces/${system}/pods/${daemonPod.metadata!.name}/status`;
    expect(await patch(daemon, path, { status: { message: 'well' } })).toBe('');
  });

  test('a machine with a DaemonSet’s account cannot hold what others delete', async () => {
    const held = { metadata: { finalizers: ['example.com/mine'] } };
    const pod = `/api/v1/namespaces/${system}/pods/${daemonPod.metadata!.name}`;
    for (const path of [pod, `${pod}/status`, `/api/v1/nodes/${stranger.nodeName}`, statusOf(stranger.nodeName)])
      expect(await patch(daemon, path, held)).toMatch(by('worldland-accounts-on-nodes'));
  });

  test('a machine with a DaemonSet’s account cannot hold a namespace with an event', async () => {
    const path = `/api/v1/namespaces/${tenant}/events`;
    const event = (finalizers: string[]) => ({
      ...{ apiVersion: 'v1', kind: 'Event', reason: 'Test', type: 'Normal' },
      metadata: { name: `event-${randomUUID()}`, namespace: tenant, finalizers },
      involvedObject: { kind: 'Pod', namespace: tenant, name: 'job' },
    });
    const refused = by('worldland-events-of-accounts');
    expect(await refusalOf(ask(daemon, 'POST', path, event(['example.com/mine'])))).toMatch(refused);
    const reported = event([]);
    await ask(daemon, 'POST', path, reported);
    const held = { metadata: { finalizers: ['example.com/mine'] } };
    expect(await patch(daemon, `${path}/${reported.metadata.name}`, held)).toMatch(refused);
  });

  test('a machine with a DaemonSet’s account cannot write about another machine or its pods', async () => {
    expect(await patch(daemon, statusOf(victim.nodeName), ready)).toMatch(by('worldland-accounts-on-nodes'));
    const other = await putPod(tenant, victim.nodeName);
    const path = `/api/v1/namespaces/${tenant}/pods/${other.metadata!.name}`;
    expect(await patch(daemon, `${path}/status`, { status: { phase: 'Failed' } })).toMatch(
      by('worldland-accounts-on-nodes'),
    );
    expect(await refusalOf(ask(daemon, 'DELETE', path))).toMatch(by('worldland-accounts-on-nodes'));
  });

  test('a machine with a DaemonSet’s account cannot make pods, or hold the leases of the control plane', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    };
    expect(await refusalOf(ask(daemon, 'POST', `/api/v1/namespaces/${system}/pods`, pod))).toMatch(
      by('worldland-accounts-on-nodes'),
    );
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: `controllers-${suffix}` },
      spec: { holderIdentity: 'me' },
    };
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
    expect(await refusalOf(ask(daemon, 'POST', path, lease))).toMatch(by('worldland-accounts-on-nodes'));
  });

  test('a DaemonSet’s account can do its work on the operator’s machines', async () => {
    const [controller] = await daemonOn(ownNode);
    expect(await patch(controller, statusOf(victim.nodeName), ready)).toBe('');
  });
});

/** A pod as a DaemonSet has them, placed on a node; nothing runs in it. */
async function putPod(namespace: string, nodeName: string): Promise<V1Pod> {
  return await kubernetes.core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name: `pod-${randomUUID().slice(0, 8)}` },
      spec: { nodeName, ...harmless },
    },
  });
}

/** What a kubelet asks for when a pod of its node mounts its account's token. */
async function tokenOf(
  access: Access,
  { metadata, spec }: V1Pod,
  expirationSeconds: number,
): Promise<{ status: { token: string } }> {
  const account = spec!.serviceAccountName ?? 'default';
  return await ask(access, 'POST', `/api/v1/namespaces/${metadata!.namespace}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata!.name, uid: metadata!.uid },
    },
  });
}

async function addContainer({ metadata }: V1Pod): Promise<void> {
  await kubernetes.core.patchNamespacedPodEphemeralcontainers(
    {
      name: metadata!.name!,
      namespace: metadata!.namespace!,
      body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'debug' }] } },
    },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  );
}
