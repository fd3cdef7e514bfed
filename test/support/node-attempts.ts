import { nodeCertificateRequest } from '../../engines/simulated-provider/certificate.js';
import { ask, Denied, type Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { kubeletClientSigner } from '../../src/kubernetes/node-certificates.js';
import { until } from './until.js';

/** The API server's response: `done`, or its status and message. */
export function answerTo(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (error instanceof Denied ? `${error.status} ${error.message}` : String(error)),
  );
}

/** Requests a certificate for that node; returns the request's name. */
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

/** Makes every kind of write that a kubelet makes; returns the denials with their messages. */
export async function writes(access: Access, nodeName: string): Promise<string[]> {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const lease = { metadata: { name: nodeName }, spec: { holderIdentity: nodeName } };
  // In its own name: another one's is refused for that, and of two refusals the API server tells either.
  const event = {
    metadata: { generateName: 'said-' },
    involvedObject: { namespace: 'default' },
    source: { component: 'kubelet', host: nodeName },
    reportingComponent: 'kubelet',
    reportingInstance: nodeName,
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

/**
 * Makes the reads that every node makes, of the cluster and of itself whether it exists or not; returns the responses
 * by path.
 *
 * @param more paths that only this node may read.
 */
export async function reads(
  access: Access,
  nodeName: string,
  more: readonly string[] = [],
): Promise<Record<string, string>> {
  const paths = [
    '/api/v1/services',
    `/api/v1/nodes/${nodeName}`,
    `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`,
    '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    '/apis/node.k8s.io/v1/runtimeclasses',
    '/api/v1/namespaces/kube-system/configmaps/kubelet-config',
    ...more,
  ];
  const answers = paths.map(async (path) => [path, await answerTo(ask(access, 'GET', path))]);
  return Object.fromEntries(await Promise.all(answers)) as Record<string, string>;
}

/** The denial that a node gets after it has left, from whichever part of the cluster. */
export const hasLeft = 'this node has left the fleet';

/**
 * Waits until all reads of a node are denied.
 *
 * @throws Error that names the reads that are not.
 */
export async function readsNothing(access: Access, nodeName: string, more: readonly string[] = []): Promise<void> {
  let still: string[] = [];
  // An API server may cache a decision for some seconds.
  await until(
    async () => {
      still = Object.entries(await reads(access, nodeName, more)).flatMap(([path, answer]) =>
        answer.includes(hasLeft) ? [] : [`${path}: ${answer}`],
      );
      return still.length === 0;
    },
    { timeoutMs: 30_000, everyMs: 100, name: 'it is refused everything' },
  ).catch((error: Error) => {
    throw new Error([error.message, ...still].join('\n'));
  });
}

/** Makes every kind of write that a kubelet makes. A missing object cannot be changed either. */
export async function writesNothing(access: Access, nodeName: string): Promise<void> {
  const done = (await writes(access, nodeName)).filter(
    (one) => !one.includes(hasLeft) && !one.startsWith('404 PATCH '),
  );
  if (done.length > 0) throw new Error(`it is not refused what it writes: ${done.join('; ')}`);
}
