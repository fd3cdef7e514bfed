// The certificate library's container needs this import before the library is loaded.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { ask, type Access } from './kubernetes-request.js';

/** Polls less often the longer it takes: hundreds of machines may be waiting for the same server. */
const [firstPollMs, slowestPollMs] = [100, 1_500] as const;
const requestsPath = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };

interface CertificateRequest {
  metadata: { name: string };
  status?: { certificate?: string; conditions?: { type: string; reason?: string; message?: string }[] };
}

/** A new key and a PKCS #10 request for it in the node's name; both in PEM. */
export async function nodeCertificateRequest(nodeName: string): Promise<{ key: string; request: string }> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return {
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: request.toString('pem'),
  };
}

/**
 * Requests a node's client certificate as a kubelet does, and waits until it is approved.
 *
 * @throws Error when it is denied or nobody decides in time.
 */
export async function obtainNodeCertificate(
  access: Access,
  nodeName: string,
  timeoutMs: number,
): Promise<{ certificate: string; key: string }> {
  const { key, request } = await nodeCertificateRequest(nodeName);
  const created = await ask<CertificateRequest>(access, 'POST', requestsPath, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'node-csr-' },
    spec: {
      request: Buffer.from(request).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  });
  const { name } = created.metadata;
  let pollMs: number = firstPollMs;
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(pollMs)) {
    pollMs = Math.min(pollMs * 1.5, slowestPollMs);
    const { status } = await ask<CertificateRequest>(access, 'GET', `${requestsPath}/${name}`);
    if (status?.certificate) return { certificate: Buffer.from(status.certificate, 'base64').toString(), key };
    const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refused !== undefined)
      throw new Error(`the certificate request was refused: ${refused.message ?? refused.reason ?? refused.type}`);
  }
  throw new Error(`nobody approved the certificate request ${name} in time`);
}
