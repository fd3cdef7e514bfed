import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { CertificatesV1Api, CoordinationV1Api, KubeConfig, type V1Node } from '@kubernetes/client-node';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Session } from '../../src/client/session.js';
import { jobObjectName } from '../../src/domain/job.js';
import { images } from '../../engines/real-node/node.js';
import { missingForRealNode } from '../../engines/real-node/requirements.js';
import { ask, type Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { findOnPath } from '../../engines/tools/tool.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { audited } from '../support/audit.js';
import { end, rent, ssh, type Rented } from '../support/customer.js';
import { startDaemon } from '../support/daemon.js';
import { kubeletIdentity, type KubeletIdentity } from '../support/kubelet-identity.js';
import { describeUnless } from '../support/needs.js';
import { answerTo, hasLeft, reads, readsNothing, requestCertificate, writesNothing } from '../support/node-attempts.js';
import { kubeletConf, offerRealMachine, providerId, type RealMachine } from '../support/real-machine.js';
import { accessOf } from '../support/stranger.js';
import { namespaceIn } from '../support/tenants.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';

// A real kubelet from its first certificate to after its last one, and what the owner of its machine can do with those.
const missing = missingForRealNode() ?? (findOnPath('ssh', process.env) === undefined ? 'the program ssh' : undefined);

/** A kubelet asks for the next one when 48 to 144 s of it are left, since signers date it back by five minutes. */
const certificateS = 180;
/** More than a retirement takes, and what is tried after it. */
const enoughMs = 100_000;
const nodeName = `p-${providerId}-1`;
const user = `system:node:${nodeName}`;
const broker = 'system:serviceaccount:worldland-system:broker';
const nodePath = `/api/v1/nodes/${nodeName}`;

/**
 * What a kubelet does again and again for its node, for pods with Secrets and tokens, and for itself. What it makes once, its
 * node above all, is there; the answer may have been lost when it took its first certificate and closed its connections.
 */
const needed = [
  ...['watch nodes', 'get nodes', 'patch nodes/status', 'update leases', 'create events', 'watch services'],
  ...['watch pods', 'get pods', 'patch pods/status', 'delete pods', 'watch secrets', 'watch configmaps'],
  ...['create serviceaccounts/token', 'create certificatesigningrequests'],
];

const operator = privateKeyToAccount(generatePrivateKey());
let real: RealMachine;
let admin: Access;
let config: KubeConfig;
let customer: Session;
let mine: Rented;
let first: KubeletIdentity;
let becameReady: Date;
/** Of a pod of the operator's on the machine. */
let secretPath: string;

const audit = () => audited(real.broker.endpoints.kubeconfig!);
const identity = () => kubeletIdentity(real.machine, admin);
const readNode = () => unlessNotFound(real.core.readNode({ name: nodeName }));
const readiness = (node: V1Node | undefined) => node?.status?.conditions?.find(({ type }) => type === 'Ready');
const status = async () => {
  const { body } = await customer.request('GET', `/api/v1/providers/${providerId}`);
  return (body as { status: string }).status;
};
/** Of this node, every request for a certificate after the first, which was made with a join token. */
async function renewals() {
  const { items } = await config.makeApiClient(CertificatesV1Api).listCertificateSigningRequest();
  return items.filter(({ spec }) => spec.username === user);
}

describeUnless(missing)('a real kubelet', () => {
  beforeAll(async () => {
    real = await offerRealMachine({
      // The images are on the machine, and no registry has them.
      env: { ADMIN_WALLETS: operator.address, JOB_IMAGE_PULL_POLICY: 'IfNotPresent' },
      kubernetes: { nodeCertificateS: certificateS, auditNodes: true },
    });
    const { kubeconfig } = real.broker.endpoints;
    admin = accessOf(kubeconfig!);
    config = new KubeConfig();
    config.loadFromFile(kubeconfig!);
    customer = await real.broker.customer();
    const node = await real.joined();
    expect(node.metadata!.name).toBe(nodeName);
    becameReady = readiness(node)!.lastTransitionTime!;
    first = identity();
    await real.offerGpus(node, customer);
    mine = await rent(customer, {}).catch(async (error: Error) => {
      throw new Error(`${error.message}${await real.podsOf(customer)}`);
    });
    ({ secretPath } = await startDaemon(real.core, nodeName));
  }, 1_800_000);

  afterAll(async () => {
    await real?.remove();
    if (mine !== undefined) rmSync(mine.folder, { recursive: true, force: true });
  }, 120_000);

  const chapter = story('a machine with a real kubelet serves, leaves and comes back as another node', 1_500_000);

  chapter('only the broker renews the certificate of a node, which serves on after the first one ends', async () => {
    await until(() => identity().serial !== first.serial, {
      timeoutMs: certificateS * 1_000,
      name: 'a new certificate',
    });
    const decided = (await renewals()).flatMap(({ status: answered }) => answered?.conditions ?? []);
    expect(decided[0]).toMatchObject({ type: 'Approved', reason: 'WorldlandProvider' });
    expect(decided[0]!.message).toBe(`node of provider ${providerId}`);
    const deciders = audit().filter(({ resource }) => resource === 'certificatesigningrequests/approval');
    expect([...new Set(deciders.map(({ user: who }) => who))]).toEqual([broker]);

    const leases = config.makeApiClient(CoordinationV1Api);
    await until(
      async () => {
        const { spec } = await leases.readNamespacedLease({ name: nodeName, namespace: 'kube-node-lease' });
        return new Date(spec!.renewTime!).getTime() > first.endsAtMs;
      },
      { timeoutMs: certificateS * 1_000, everyMs: 1_000, name: 'a sign of life after the first certificate’s end' },
    );
    expect(await answerTo(ask(first.access, 'GET', nodePath))).toMatch(/^401 /);
    // And never was anything but Ready meanwhile.
    expect(readiness(await readNode())).toMatchObject({ status: 'True', lastTransitionTime: becameReady });
    expect((await ssh(mine, 'echo in')).output).toBe('in\n');
  });

  chapter('the policies against strangers refuse nothing that a kubelet needs', async () => {
    await end(customer, await rent(customer, {}));
    const asked = audit().filter((one) => one.user === user);
    const done = new Set(asked.filter(({ code }) => code < 300).map(({ verb, resource }) => `${verb} ${resource}`));
    expect(needed.filter((one) => !done.has(one))).toEqual([]);
    const refused = asked.filter(({ code }) => code === 401 || code === 403 || code === 422);
    // The authorizer may hear of a pod after its kubelet, which asks again.
    expect(refused.filter(({ message }) => !message.includes('no relationship found'))).toEqual([]);
  });

  chapter('a static pod of the owner stays invisible in the cluster, and the node serves on', async () => {
    const folder = join(real.machine.files, 'etc/kubernetes/manifests');
    const manifest = join(folder, 'own.yaml');
    mkdirSync(folder, { recursive: true });
    const container = { name: 'own', image: images.machine, imagePullPolicy: 'IfNotPresent' };
    const metadata = { name: 'own', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };
    const spec = { containers: [{ ...container, command: ['sleep', '86400'] }] };
    writeFileSync(manifest, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }));
    const tried = await until(
      () => audit().find(({ user: who, verb, resource }) => who === user && verb === 'create' && resource === 'pods'),
      { timeoutMs: 60_000, everyMs: 500, name: 'it wants to show its static pod' },
    );
    expect(tried.code).toBe(422);
    expect(tried.message).toContain("a provider's machine makes no pods");
    expect((await real.core.listNamespacedPod({ namespace: 'kube-system' })).items).toEqual([]);
    expect((await ssh(mine, 'echo in')).output).toBe('in\n');
    expect(readiness(await readNode())!.status).toBe('True');
    rmSync(manifest);
  });

  chapter('after its provider is retired, the owner of the machine can write, read and renew nothing', async () => {
    const { access } = await until(
      () => {
        const current = identity();
        return current.endsAtMs - Date.now() > enoughMs && current;
      },
      { timeoutMs: certificateS * 1_000, everyMs: 250, name: 'a certificate that is good for long enough' },
    );
    const namespace = await namespaceIn(real.broker.endpoints.postgres!, customer.wallet);
    const { items } = await real.core.listNamespacedSecret({ namespace });
    const ofJob = items.find(({ metadata }) => metadata!.name!.startsWith(jobObjectName(mine.job_id)))!.metadata!;
    const jobSecretPath = `/api/v1/namespaces/${namespace}/secrets/${ofJob.name}`;
    for (const path of [jobSecretPath, secretPath]) expect(await answerTo(ask(access, 'GET', path))).toBe('done');

    // Asked for while it was in the fleet, and nobody has heard of it yet.
    const { stack } = real.broker;
    await stack.halt('watcher');
    const pending = await requestCertificate(access, nodeName);
    // First what holds while nobody answers the API server who has left.
    await stack.halt('authorizer');
    try {
      const session = await real.broker.customer({ account: operator, scopes: ['admin', 'providers:write'] });
      await end(customer, mine);
      expect((await session.request('POST', `/api/v1/providers/${providerId}/retire`, {})).status).toBe(202);
      await until(async () => (await status()) === 'retired', { timeoutMs: 60_000, name: 'it has left' });
      await writesNothing(access, nodeName);
      expect(await readNode()).toBeUndefined();
      const alone = await reads(access, nodeName, [jobSecretPath]);
      // What nobody allows is an error where somebody could not be asked.
      expect(alone[jobSecretPath]).toMatch(/^(?:403|500) /);
      expect(alone['/api/v1/services']).toBe('done');
    } finally {
      await stack.resume('authorizer');
      await stack.resume('watcher');
    }
    await readsNothing(access, nodeName, [jobSecretPath, secretPath]);
    await writesNothing(access, nodeName);
    const asked = (await renewals()).find(({ metadata }) => metadata!.name === pending)!;
    expect(asked.status?.conditions?.map(({ type }) => type) ?? []).not.toContain('Approved');
    expect(asked.status?.certificate).toBeUndefined();
  });

  chapter('the kubelet does not come back as the retired node when it starts again', async () => {
    const restarted = new Date();
    await real.machine.run('sh', ['-c', 'kill $(pidof kubelet)']);
    const tried = await until(
      () =>
        audit().find(
          ({ user: who, verb, resource, at }) =>
            who === user && verb === 'create' && resource === 'nodes' && at > restarted,
        ),
      { timeoutMs: 60_000, everyMs: 500, name: 'it registers again' },
    );
    expect(tried.message).toContain(hasLeft);
    expect(await readNode()).toBeUndefined();
  });

  chapter('the machine comes back as another node after its owner undoes the join and joins again', async () => {
    const { code, output } = await real.provider.command([
      ...['leave', '--reset', '--broker', real.broker.endpoints.api],
      ...kubeletConf(real.machine),
    ]);
    expect([code, output]).toEqual([0, expect.stringContaining('the join is undone')]);
    // As kubeadm says that its owner has to.
    await real.machine.run('sh', ['-c', 'rm -f /etc/cni/worldland/*']);
    await real.agent.exited;
    real.restartAgent('--rejoin');
    const node = await real.joined();
    expect(node.metadata!.name).toBe(`p-${providerId}-2`);
    await real.offerGpus(node, customer);
    const again = await rent(customer, {}).catch(async (error: Error) => {
      throw new Error(`${error.message}${await real.podsOf(customer)}`);
    });
    expect((await ssh(again, 'echo in')).output).toBe('in\n');
    await end(customer, again);
    expect(await readNode()).toBeUndefined();
  });
});
