import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { letKubeRouterRead } from '../../engines/real-node/policy-engine.js';
import type { Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { ask } from '../../engines/simulated-provider/kubernetes-request.js';
import { connectKubernetes, type Kubernetes } from '../../src/kubernetes/client.js';
import { bootstrapGroup } from '../../src/kubernetes/names.js';
import { endpoint } from '../support/engines.js';
import { rightsBelow, type Right } from '../support/rights-table.js';
import { asksAbout, asksItself, walkRights, type Target } from '../support/rights-walk.js';
import { accessOf, joinStranger, joinToken, type Stranger } from '../support/stranger.js';
import { until } from '../support/until.js';

// docs/security.md says what a stranger may do. The API server of the engines is asked, and has to agree in every word.
let kubernetes: Kubernetes;
let admin: Access;
let stranger: Stranger;
const suffix = randomUUID().slice(0, 8);
const namespace = `rights-${suffix}`;
const cluster = `rights-${suffix}`;

const written = (rights: readonly Right[]) =>
  rights.map(({ resource, verb, reach }) => `${verb} ${resource}: ${reach}`).sort();

beforeAll(async () => {
  kubernetes = connectKubernetes({ KUBECONFIG: endpoint('kubeconfig') });
  admin = accessOf(endpoint('kubeconfig'));
  stranger = await joinStranger(kubernetes, admin, `p-rights-${suffix}`);
  await putPodWithEverything();
}, 120_000);
afterAll(async () => {
  await kubernetes.core.deleteNamespace({ name: namespace });
  await kubernetes.core.deletePersistentVolume({ name: cluster });
  await ask(admin, 'DELETE', `/apis/storage.k8s.io/v1/volumeattachments/${cluster}`);
  await ask(admin, 'DELETE', `/apis/resource.k8s.io/v1/resourceslices/${cluster}`);
  await kubernetes.core.deleteNode({ name: stranger.nodeName });
});

/** A pod on the stranger's node that refers to an object of every kind that pods refer to. */
async function putPodWithEverything(): Promise<void> {
  const { core } = kubernetes;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'own' } } });
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'own' } } });
  const size = { storage: '1Gi' };
  await core.createPersistentVolume({
    body: {
      metadata: { name: cluster },
      spec: {
        capacity: size,
        accessModes: ['ReadWriteOnce'],
        claimRef: { namespace, name: 'own' },
        csi: { driver: 'rights.example.com', volumeHandle: cluster },
        storageClassName: '',
      },
    },
  });
  await core.createNamespacedPersistentVolumeClaim({
    namespace,
    body: {
      metadata: { name: 'own' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: size },
        volumeName: cluster,
        storageClassName: '',
      },
    },
  });
  await ask(admin, 'POST', '/apis/storage.k8s.io/v1/volumeattachments', {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: cluster },
    spec: {
      attacher: 'rights.example.com',
      nodeName: stranger.nodeName,
      source: { persistentVolumeName: cluster },
    },
  });
  await ask(admin, 'POST', '/apis/resource.k8s.io/v1/resourceslices', {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: cluster },
    spec: {
      driver: 'rights.example.com',
      nodeName: stranger.nodeName,
      pool: { name: cluster, generation: 1, resourceSliceCount: 1 },
      devices: [],
    },
  });
  await until(async () =>
    core.readNamespacedServiceAccount({ namespace, name: 'default' }).then(
      () => true,
      () => false,
    ),
  );
  await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name: 'own' },
      spec: {
        nodeName: stranger.nodeName,
        containers: [{ name: 'own', image: 'own' }],
        resourceClaims: [{ name: 'own', resourceClaimName: 'own' }],
        volumes: [
          { name: 'secret', secret: { secretName: 'own' } },
          { name: 'config', configMap: { name: 'own' } },
          { name: 'claim', persistentVolumeClaim: { claimName: 'own' } },
        ],
      },
    },
  });
}

/** The stranger's own object of each kind. */
function ownObjects(): Record<string, Target> {
  const own = { namespace, name: 'own' };
  const onNode = { requirements: [{ key: 'spec.nodeName', operator: 'In' as const, values: [stranger.nodeName] }] };
  return {
    ...{ pods: own, secrets: own, configmaps: own, persistentvolumeclaims: own, 'persistentvolumeclaims/status': own },
    'resourceclaims.resource.k8s.io': own,
    serviceaccounts: { namespace, name: 'default' },
    'serviceaccounts/token': { namespace, name: 'default' },
    persistentvolumes: { name: cluster },
    'volumeattachments.storage.k8s.io': { name: cluster },
    'resourceslices.resource.k8s.io': { name: cluster, fieldSelector: onNode },
    nodes: { name: stranger.nodeName },
    'csinodes.storage.k8s.io': { name: stranger.nodeName },
    'leases.coordination.k8s.io': { namespace: 'kube-node-lease', name: stranger.nodeName },
    'podcertificaterequests.certificates.k8s.io': { namespace, name: 'own', fieldSelector: onNode },
  };
}

describe('rights in docs/security.md', () => {
  test('docs/security.md lists every right of a node’s certificate, and no other', async () => {
    const asks = asksItself(stranger.access);
    const own = ownObjects();
    // The authorizer hears of objects a moment after they are there.
    const lastHeard: [string, string][] = [
      ['persistentvolumes', 'get'],
      ['resourceslices', 'get'],
      ['volumeattachments', 'get'],
      ['serviceaccounts', 'get'],
    ];
    for (const [resource, verb] of lastHeard) {
      const key = Object.keys(own).find((name) => name.split('.')[0] === resource)!;
      const group = key.split('.').slice(1).join('.');
      await until(() => asks({ ...own[key], group, resource, verb }), { name: `it may ${verb} its ${resource}` });
    }
    const table = rightsBelow("## What a node's certificate may do").filter(
      // None is there to be read: to make one takes a signature by the pod's key.
      ({ resource, verb }) => resource !== 'podcertificaterequests.certificates.k8s.io' || verb !== 'get',
    );
    expect(written(await walkRights(admin, asks, own))).toEqual(written(table));
  }, 180_000);

  test('docs/security.md lists every right of a join token, and no other', async () => {
    const token = await joinToken(kubernetes, admin);
    const found = await walkRights(admin, asksItself(token), {});
    expect(written(found)).toEqual(written(rightsBelow('## What a join token may do')));
  }, 180_000);

  test('docs/security.md lists every right of kube-proxy, and no other', async () => {
    const found = await walkRights(admin, asksAbout(admin, 'system:kube-proxy'), {});
    expect(written(found)).toEqual(written(rightsBelow('**kube-proxy**')));
  }, 180_000);

  test('docs/security.md lists every right of kube-router, and no other', async () => {
    await letKubeRouterRead(endpoint('kubeconfig'));
    const asks = asksAbout(admin, 'kube-router');
    // The authorizer hears of roles a moment after they are there.
    const last = { group: 'networking.k8s.io', resource: 'networkpolicies', verb: 'watch' };
    await until(() => asks(last), { name: 'it may what its role says' });
    const found = await walkRights(admin, asks, {});
    expect(written(found)).toEqual(written(rightsBelow('**kube-router**')));
  }, 180_000);

  test('docs/security.md lists every right that kubeadm gives nodes and join tokens in single namespaces, and no other', async () => {
    const { items } = await kubernetes.rbac.listRoleBindingForAllNamespaces();
    const groups = ['system:nodes', 'system:authenticated', 'system:bootstrappers', bootstrapGroup];
    const bound = items
      .filter(({ subjects }) => subjects?.some(({ kind, name }) => kind === 'Group' && groups.includes(name)))
      .map(({ metadata, roleRef }) => `${metadata?.namespace}: ${roleRef.name}`);
    expect([...new Set(bound)].sort()).toEqual([
      'kube-system: kubeadm:kubelet-config',
      'kube-system: kubeadm:nodes-kubeadm-config',
    ]);
  });
});
