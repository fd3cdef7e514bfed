import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { nodeCertificateRequest } from '../../engines/simulated-provider/certificate.js';
import { ask, Denied, type Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { putNode } from '../../engines/simulated-provider/node.js';
import { mergePatch, statusOf, type Kubernetes } from '../../src/kubernetes/client.js';
import { bootstrapGroup, labels } from '../../src/kubernetes/names.js';
import { kubeletClientSigner } from '../../src/kubernetes/node-certificates.js';
import { until } from './until.js';

/** How a kubeconfig's user reaches its cluster, for raw calls. */
export function accessOf(kubeconfig: string): Access {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const cluster = config.getCurrentCluster()!;
  const user = config.getCurrentUser()!;
  const decoded = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString('utf8');
  return {
    server: cluster.server,
    ca: decoded(cluster.caData),
    agent: new Agent({ keepAlive: true, maxSockets: 16 }),
    ...(user.token === undefined
      ? { certificate: decoded(user.certData), key: decoded(user.keyData) }
      : { token: user.token }),
  };
}

/** A certificate of `system:node:NAME`, as the owner of any machine in the fleet has one. */
export async function nodeIdentity({ certificates }: Kubernetes, admin: Access, nodeName: string): Promise<Access> {
  const { key, request } = await nodeCertificateRequest(nodeName);
  const created = await certificates.createCertificateSigningRequest({
    body: {
      metadata: { generateName: 'stranger-' },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: kubeletClientSigner,
        usages: ['digital signature', 'client auth'],
      },
    },
  });
  const name = created.metadata!.name!;
  const approved = { type: 'Approved', status: 'True', reason: 'Test', message: 'of a test' };
  const certificate = await until(
    async () => {
      const current = await certificates.readCertificateSigningRequest({ name });
      if (current.status?.conditions === undefined) {
        current.status = { conditions: [approved] };
        // Another approval may be faster: then there is a conflict, and the next check sees the result.
        await unlessConflict(certificates.replaceCertificateSigningRequestApproval({ name, body: current }));
      }
      return current.status.certificate;
    },
    { name: 'the certificate is signed', everyMs: 50 },
  );
  const { server, ca } = admin;
  return {
    ...{ server, ca: ca!, key, certificate: Buffer.from(certificate, 'base64').toString('utf8') },
    agent: new Agent({ keepAlive: true, maxSockets: 16 }),
  };
}

async function unlessConflict(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (statusOf(error)?.code !== 409) throw error;
  });
}

/** A machine in the cluster: it has registered itself, and the broker has marked it as a provider's. */
export interface Stranger {
  nodeName: string;
  uid: string;
  access: Access;
}

export async function joinStranger(kubernetes: Kubernetes, admin: Access, nodeName: string): Promise<Stranger> {
  const access = await nodeIdentity(kubernetes, admin, nodeName);
  const { uid } = await putNode(access, nodeName, simulatedMachine({ providerId: nodeName }));
  await kubernetes.core.patchNode(
    { name: nodeName, body: { metadata: { labels: { [labels.placement]: nodeName } } } },
    mergePatch,
  );
  return { nodeName, uid, access };
}

/** The access of a holder of a join token of the broker's group. */
export async function joinToken({ core }: Kubernetes, { server, ca }: Access): Promise<Access> {
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')];
  await core.createNamespacedSecret({
    namespace: 'kube-system',
    body: {
      metadata: { name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': id,
        'token-secret': secret,
        expiration: new Date(Date.now() + 3_600_000).toISOString(),
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': bootstrapGroup,
      },
    },
  });
  const holder = { server, ca: ca!, token: `${id}.${secret}`, agent: new Agent({ keepAlive: true, maxSockets: 16 }) };
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  // The API server hears of a new token a moment later, and knows nobody by it until then.
  const isKnown = () =>
    ask(holder, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Denied && error.status === 401) return false;
        throw error;
      },
    );
  await until(isKnown, { name: 'the API server knows the join token', everyMs: 50 });
  return holder;
}
