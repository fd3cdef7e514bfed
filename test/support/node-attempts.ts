import { nodeCertificateRequest } from '../../src/engines/simulated-provider/certificate.js';
import { ask, Refused, type Access } from '../../src/engines/simulated-provider/kubernetes-request.js';
import { kubeletClientSigner } from '../../src/kubernetes/node-certificates.js';

/** What the API server answers: `done`, or its status and what it said. */
export function answerTo(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (error instanceof Refused ? `${error.status} ${error.message}` : String(error)),
  );
}

/** Asks for a certificate of that node; answers the request's name. */
export async function requestCertificate(access: Access, nodeName: string): Promise<string> {
  const { request } = await nodeCertificateRequest(nodeName);
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const { metadata } = await ask<{ metadata: { name: string } }>(access, 'POST', path, {
    metadata: { generateName: 'csr-' },
    spec: {
      request: Buffer.from(request).toString('base64'),
      signerName: kubeletClientSigner,
      usages: ['digital signature', 'client auth'],
    },
  });
  return metadata.name;
}

/** Everything that a kubelet writes, tried for real; what was refused is answered as it was said. */
export async function writes(access: Access, nodeName: string): Promise<string[]> {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const lease = { metadata: { name: nodeName }, spec: { holderIdentity: nodeName } };
  const event = {
    metadata: { generateName: 'said-' },
    involvedObject: { namespace: 'default' },
    message: 'buy',
    reason: 'Buy',
    type: 'Normal',
  };
  const status = { status: { capacity: { cpu: '1' } } };
  return await Promise.all(
    [
      ask(access, 'POST', '/api/v1/nodes', { metadata: { name: nodeName } }),
      ask(access, 'PATCH', `/api/v1/nodes/${nodeName}/status`, status, 'application/merge-patch+json'),
      ask(access, 'PUT', `${leases}/${nodeName}`, lease),
      ask(access, 'POST', leases, lease),
      ask(access, 'POST', '/api/v1/namespaces/default/events', event),
      requestCertificate(access, nodeName),
    ].map(answerTo),
  );
}

/** What of the cluster the holder of a node's certificate reads, whether its node is there or not. */
export async function reads(access: Access, nodeName: string): Promise<Record<string, string>> {
  const list = (resource: string) => ask(access, 'GET', `/${resource}`);
  const answers: Record<string, Promise<unknown>> = {
    'its node': list(`api/v1/nodes/${nodeName}`),
    'its pods': list(`api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`),
    'all Services': list('api/v1/services'),
    'all certificate requests': list('apis/certificates.k8s.io/v1/certificatesigningrequests'),
    'the description of the cluster': list('api/v1/namespaces/kube-system/configmaps/kubeadm-config'),
  };
  const entries = Object.entries(answers).map(async ([what, call]) => [what, (await answerTo(call)).slice(0, 4)]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}
