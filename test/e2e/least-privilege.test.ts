import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type V1CertificateSigningRequest, type V1Namespace, type V1Secret } from '@kubernetes/client-node';
import { Client, Connection } from '@temporalio/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Reply, Session } from '../../src/client/session.js';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { nodeCertificateRequest } from '../../engines/simulated-provider/certificate.js';
import type { JoinedProvider } from '../../engines/simulated-provider/provider.js';
import {
  applyPatch,
  connectKubernetes,
  mergePatch,
  statusOf,
  unlessNotFound,
  type Kubernetes,
} from '../../src/kubernetes/client.js';
import { bootstrapGroup, miningNamespace, tenantRole } from '../../src/kubernetes/names.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { kubeconfigOf, userOf } from '../support/deployment.js';
import { until } from '../support/until.js';
import { namespaceIn } from '../support/tenants.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const providerId = 'least';
const owner = privateKeyToAccount(generatePrivateKey());
const nodeKey = privateKeyToAccount(generatePrivateKey());

let broker: RunningBroker;
let customer: Session;
/** Of the namespace in which the reconciler runs. */
let upkeep: Client;
/** The same cluster by an administrator's credentials, and by those that every role of the broker has. */
let admin: Kubernetes;
let account: Kubernetes;
let joined: JoinedProvider;

beforeAll(async () => {
  broker = await startBroker({
    MINING_IMAGE_ALLOWLIST: 'docker.io/mingeyom/worldland-mio:*',
    RECONCILER_GRACE_S: '1',
    TENANT_NAMESPACE_TTL_S: '1',
  });
  admin = connectKubernetes({ KUBECONFIG: broker.endpoints.kubeconfig });
  account = connectKubernetes({ KUBECONFIG: broker.endpoints.broker_kubeconfig });
  const connection = await Connection.connect({ address: broker.endpoints.temporal! });
  upkeep = new Client({ connection, namespace: `${broker.endpoints.temporal_namespace!}-upkeep` });
  customer = await broker.customer();
  joined = await broker.provider({
    providerId,
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 },
    wallet: owner.address,
    sign: providerSigner({ wallet: owner, nodeKey, chainId: 1, audience: broker.endpoints.api }),
  }).joined;
  await until(async () => {
    const { body } = await customer.request('GET', `/api/v1/providers/${providerId}`);
    return (body as { status?: string }).status === 'available';
  });
}, 900_000);
afterAll(async () => {
  await upkeep?.connection.close();
  await broker?.stop();
}, 60_000);

interface JobBody {
  job_id: string;
  status: string;
}
const order = (session: Session, gpus = 1): Promise<Reply> =>
  session.request(
    'POST',
    '/api/v1/jobs',
    {
      gpu_type: 'RTX 4090',
      gpu_count: gpus,
      cpu_cores: 1,
      memory_gb: 1,
      storage_gb: 1,
      duration_hours: 1,
      ssh_public_keys: [sshKey],
    },
    { prefer: 'wait=60' },
  );
const end = (session: Session, jobId: string) =>
  session.request('DELETE', `/api/v1/jobs/${jobId}`, undefined, { prefer: 'wait=60' });
const body = (reply: Reply) => reply.body as JobBody;

/** A run of the reconciler that began after this call, and what it found. */
async function reconcile(): Promise<ReconcilerReport> {
  const schedule = upkeep.schedule.getHandle('fleet-reconciler');
  const runs = async () => (await schedule.describe()).info.recentActions;
  const before = (await runs()).at(-1)?.takenAt.getTime() ?? 0;
  const run = await until(
    async () => {
      await schedule.trigger();
      return (await runs()).find(({ takenAt }) => takenAt.getTime() > before);
    },
    { everyMs: 500 },
  );
  const { workflowId } = (run.action as { workflow: { workflowId: string } }).workflow;
  return (await upkeep.workflow.result(workflowId)) as ReconcilerReport;
}

describe('a broker with only the rights of its service account', () => {
  test('a broker with only the rights of its service account lets a provider join', async () => {
    expect(await userOf(account.config)).toBe('system:serviceaccount:worldland-system:broker');
    const node = await admin.core.readNode({ name: joined.nodeName });
    expect(node.metadata?.labels).toMatchObject({ 'worldland.io/provider-id': providerId });
  });

  test('a broker with only the rights of its service account rents a GPU, extends the job, and ends it', async () => {
    const rented = await order(customer, 2);
    expect(rented.body).toMatchObject({ status: 'running', provider_id: providerId });
    const extended = await customer.request('POST', `/api/v1/jobs/${body(rented).job_id}/extend`, {
      additional_hours: 1,
    });
    expect(extended.status).toBe(200);
    const ended = await end(customer, body(rented).job_id);
    expect([ended.status, body(ended).status]).toEqual([200, 'cancelled']);
    const { items } = await admin.core.listPodForAllNamespaces({
      labelSelector: `worldland.io/job-id=${body(rented).job_id}`,
    });
    expect(items).toEqual([]);
  });

  test('a broker with only the rights of its service account lets idle GPUs mine, and stops that', async () => {
    const session = await broker.customer({ account: owner, scopes: ['providers:read', 'providers:write'] });
    const miners = async () => (await admin.apps.listNamespacedDeployment({ namespace: miningNamespace })).items;
    const started = await session.request('POST', `/api/v1/providers/${providerId}/mining/start`, {
      image: 'mingeyom/worldland-mio:latest',
      gpu_count: 2,
    });
    expect(started.status).toBe(200);
    await until(async () => (await miners()).some(({ spec }) => spec?.replicas === 2));
    expect((await session.request('POST', `/api/v1/providers/${providerId}/mining/stop`)).status).toBe(200);
    await until(async () => (await miners()).length === 0);
  });

  test('a broker with only the rights of its service account has all that its reconciler needs, which finds nothing to repair', async () => {
    const rented = body(await order(customer));
    expect(await reconcile()).toMatchObject({ repairs: {}, failures: [] });
    await end(customer, rented.job_id);
  });

  test('a broker with only the rights of its service account removes the namespace of a tenant without jobs, and makes it again', async () => {
    const tenant = await broker.customer();
    await end(tenant, body(await order(tenant)).job_id);
    const namespace = await namespaceIn(broker.endpoints.postgres!, tenant.wallet);
    await until(
      async () => {
        expect((await reconcile()).failures).toEqual([]);
        return (await unlessNotFound(admin.core.readNamespace({ name: namespace }))) === undefined;
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
    const again = await order(tenant);
    expect(again.body).toMatchObject({ status: 'running' });
    expect(body(await end(tenant, body(again).job_id)).status).toBe('cancelled');
  });

  test('a broker with only the rights of its service account gives itself its rights in a namespace without them', async () => {
    const tenant = await broker.customer();
    const { job_id: jobId } = body(await order(tenant));
    const namespace = await namespaceIn(broker.endpoints.postgres!, tenant.wallet);
    await admin.rbac.deleteNamespacedRoleBinding({ name: tenantRole, namespace });
    await until(async () => (await mayDeletePods(namespace)) === false);
    expect(body(await end(tenant, jobId)).status).toBe('cancelled');
    expect(await mayDeletePods(namespace)).toBe(true);
  });

  test('a broker with only the rights of its service account ends a job whose namespace somebody has removed', async () => {
    const tenant = await broker.customer();
    const { job_id: jobId } = body(await order(tenant));
    await admin.core.deleteNamespace({ name: await namespaceIn(broker.endpoints.postgres!, tenant.wallet) });
    const job = () => tenant.request('GET', `/api/v1/jobs/${jobId}`);
    await until(async () => ['failed', 'cancelled'].includes(body(await job()).status), { timeoutMs: 60_000 });
  });

  test('a broker with only the rights of its service account is denied nothing but what it leaves to the manifests', () => {
    const refused = /is forbidden: User [\\"]*system:serviceaccount:worldland-system:broker/;
    const forbidden = broker
      .logs()
      .split('\n')
      .filter((line) => refused.test(line));
    expect(forbidden.filter((line) => !line.includes('left to the manifests'))).toEqual([]);
    expect(forbidden.length).toBeGreaterThan(0);
  });

  async function mayDeletePods(namespace: string): Promise<boolean> {
    const review = await account.authorization.createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { namespace, verb: 'delete', resource: 'pods' } } },
    });
    return review.status!.allowed;
  }
});

describe('a stolen token of the broker', () => {
  const dryRun = 'All';
  const secret = (type: string, data: Record<string, string> = {}): V1Secret => ({
    metadata: { name: `bootstrap-token-${randomUUID().slice(0, 6)}` },
    type,
    stringData: data,
  });
  const namespace = (name: string, enforce = 'baseline'): V1Namespace => ({
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': enforce } },
  });
  const binding = (roleName: string) => ({
    metadata: { name: 'stolen' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
    subjects: [{ kind: 'ServiceAccount', name: 'broker', namespace: 'worldland-system' }],
  });
  const tenant = 'tenant-of-nobody';
  let requests: Record<'client' | 'kubelet', V1CertificateSigningRequest>;
  let foreign: V1Secret;

  beforeAll(async () => {
    await admin.core.createNamespace({ body: namespace(tenant) });
    await admin.core.createNode({
      body: { metadata: { name: 'control-plane-0', labels: { 'node-role.kubernetes.io/control-plane': '' } } },
    });
    foreign = await admin.core.createNamespacedSecret({
      namespace: 'kube-system',
      body: { metadata: { name: 'cloud-credentials' }, stringData: { password: 'x' } },
    });
    const stranger = await passerBy();
    const request = Buffer.from((await nodeCertificateRequest('control-plane-0')).request).toString('base64');
    const made = async (signerName: string) => {
      const created = await stranger.certificates.createCertificateSigningRequest({
        body: {
          metadata: { generateName: 'stolen-' },
          spec: { request, signerName, usages: ['digital signature', 'client auth'] },
        },
      });
      created.status = { conditions: [{ type: 'Approved', status: 'True', reason: 'Stolen' }] };
      return created;
    };
    requests = {
      client: await made('kubernetes.io/kube-apiserver-client'),
      kubelet: await made('kubernetes.io/kube-apiserver-client-kubelet'),
    };
  });

  /** Somebody who may ask for certificates, as any machine that joins may, and nothing else. */
  async function passerBy(): Promise<Kubernetes> {
    const subject = { name: 'passer-by', namespace: 'default' };
    await admin.core.createNamespacedServiceAccount({
      namespace: 'default',
      body: { metadata: { name: subject.name } },
    });
    await admin.rbac.createClusterRoleBinding({
      body: {
        metadata: { name: subject.name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-bootstrapper' },
        subjects: [{ kind: 'ServiceAccount', ...subject }],
      },
    });
    const file = await kubeconfigOf(broker.endpoints.kubeconfig!, subject);
    const client = connectKubernetes({ KUBECONFIG: file });
    await until(async () => {
      const review = await client.authorization.createSelfSubjectAccessReview({
        body: {
          spec: {
            resourceAttributes: {
              verb: 'create',
              group: 'certificates.k8s.io',
              resource: 'certificatesigningrequests',
            },
          },
        },
      });
      return review.status?.allowed;
    });
    return client;
  }

  const attempts: Record<string, (api: Kubernetes) => Promise<unknown>> = {
    'read a Secret of kube-system': ({ core }) =>
      core.readNamespacedSecret({ name: 'cloud-credentials', namespace: 'kube-system' }),
    'list all Secrets': ({ core }) => core.listSecretForAllNamespaces(),
    'read the Secrets of its own namespace': ({ core }) => core.listNamespacedSecret({ namespace: 'worldland-system' }),
    'delete a Secret of kube-system that is not a join token': ({ core }) =>
      core.deleteNamespacedSecret({ name: foreign.metadata!.name!, namespace: 'kube-system', dryRun }),
    'create a Secret in kube-system that is not a join token': ({ core }) =>
      core.createNamespacedSecret({ namespace: 'kube-system', body: secret('Opaque'), dryRun }),
    'create a join token whose requests are approved automatically': ({ core }) =>
      core.createNamespacedSecret({
        namespace: 'kube-system',
        body: secret('bootstrap.kubernetes.io/token', {
          'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
        }),
        dryRun,
      }),
    'bind itself in kube-system': ({ rbac }) =>
      rbac.createNamespacedRoleBinding({ namespace: 'kube-system', body: binding(tenantRole), dryRun }),
    'bind another role in a tenant’s namespace': ({ rbac }) =>
      rbac.createNamespacedRoleBinding({ namespace: tenant, body: binding('cluster-admin'), dryRun }),
    'bind a role in the whole cluster': ({ rbac }) =>
      rbac.createClusterRoleBinding({ body: binding(tenantRole), dryRun }),
    'create a namespace that is not a tenant’s': ({ core }) =>
      core.createNamespace({ body: namespace('somebody'), dryRun }),
    'create a tenant’s namespace for privileged pods': ({ core }) =>
      core.createNamespace({ body: namespace('tenant-privileged', 'privileged'), dryRun }),
    'open the miners’ namespace to privileged pods': ({ core }) =>
      core.patchNamespace(
        {
          name: miningNamespace,
          fieldManager: 'stolen',
          force: true,
          dryRun,
          body: { apiVersion: 'v1', kind: 'Namespace', ...namespace(miningNamespace, 'privileged') },
        },
        applyPatch,
      ),
    'delete a namespace that is not a tenant’s': ({ core }) =>
      core.deleteNamespace({ name: 'worldland-system', dryRun }),
    'create a node': ({ core }) => core.createNode({ body: { metadata: { name: 'ghost' } }, dryRun }),
    'delete a node of the control plane': ({ core }) => core.deleteNode({ name: 'control-plane-0', dryRun }),
    'label a node of the control plane': ({ core }) =>
      core.patchNode({ name: 'control-plane-0', body: { metadata: { labels: { a: 'b' } } }, dryRun }, mergePatch),
    'approve a request for another signer': ({ certificates }) =>
      certificates.replaceCertificateSigningRequestApproval({
        name: requests.client.metadata!.name!,
        body: requests.client,
        dryRun,
      }),
    'approve a node’s request that was not made with its join tokens': ({ certificates }) =>
      certificates.replaceCertificateSigningRequestApproval({
        name: requests.kubelet.metadata!.name!,
        body: requests.kubelet,
        dryRun,
      }),
    'create a pod outside of tenants’ namespaces': ({ core }) =>
      core.createNamespacedPod({
        namespace: 'default',
        body: { metadata: { name: 'stolen' }, spec: { containers: [{ name: 'a', image: 'a' }] } },
        dryRun,
      }),
  };

  test.each(Object.keys(attempts))('whoever steals the token of the broker cannot %s', async (name) => {
    const attempt = attempts[name]!;
    // An administrator may: what refuses the other is who asks, not what is asked.
    await attempt(admin);
    // RBAC says Forbidden, the admission policy Invalid.
    const refused = await attempt(account).then(() => undefined, statusOf);
    expect(refused?.reason).toMatch(/^(Forbidden|Invalid)$/);
  });

  test('a stolen token of the broker can make and delete a join token of the broker’s own group', async () => {
    const token = secret('bootstrap.kubernetes.io/token', { 'auth-extra-groups': bootstrapGroup });
    const { metadata } = await account.core.createNamespacedSecret({ namespace: 'kube-system', body: token });
    await account.core.deleteNamespacedSecret({ name: metadata!.name!, namespace: 'kube-system' });
  });
});
