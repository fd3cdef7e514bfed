import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostInUrl } from '../../src/domain/endpoint-url.js';
import type { JoinCommand } from '../../src/provider-agent/join-command.js';
import { ask, type Access } from './kubernetes-request.js';

const clusterInfoPath = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
const retryMs = 200;

/**
 * Finds the cluster of a join command and verifies it: `cluster-info` is read from an unverified server, its signature
 * proves that the writer knew the token, and the CA hash proves that its CA is the one that the broker named. From then
 * on only that CA is trusted.
 *
 * @throws Error when the signature or the CA hash does not match, or there is none in time.
 */
export async function discoverCluster(join: JoinCommand, timeoutMs = 30_000): Promise<Access> {
  const untrusted = { server: `https://${hostInUrl(join.host)}:${join.port}` };
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const info = await ask<{ data?: Record<string, string> }>(untrusted, 'GET', clusterInfoPath);
    const kubeconfig = info.data?.['kubeconfig'];
    const signature = info.data?.[`jws-kubeconfig-${join.tokenId}`];
    if (kubeconfig !== undefined && signature !== undefined) {
      if (!isSignedWith(kubeconfig, signature, join)) throw new Error('cluster-info is not signed with this token');
      const access = clusterIn(kubeconfig);
      if (!someCertificateHas(access.ca, join.caHashes))
        throw new Error('the CA of the cluster is not the one the join command names');
      // Read it again, now from a server verified by the CA.
      const trusted = await ask<{ data?: Record<string, string> }>(access, 'GET', clusterInfoPath);
      if (trusted.data?.['kubeconfig'] !== kubeconfig)
        throw new Error('the cluster says something else over a connection that can be trusted');
      return access;
    }
    // The signer adds the signature a moment after the token is created.
    if (Date.now() > deadline) throw new Error(`cluster-info carries no signature for the token ${join.tokenId}`);
    await sleep(retryMs);
  }
}

/** Whether a detached JWS (`header..signature`, HS256) over the content was made with the token's secret. */
export function isSignedWith(content: string, jws: string, token: { tokenId: string; tokenSecret: string }): boolean {
  const [header = '', payload, signature = '', ...more] = jws.split('.');
  if (payload !== '' || more.length > 0) return false;
  try {
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: string; kid?: string };
    if (alg !== 'HS256' || kid !== token.tokenId) return false;
  } catch {
    return false;
  }
  const expected = createHmac('sha256', token.tokenSecret)
    .update(`${header}.${Buffer.from(content).toString('base64url')}`)
    .digest();
  const given = Buffer.from(signature, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Whether the public key of one of the certificates has one of these SHA-256 hashes. */
export function someCertificateHas(pem: string, hashes: readonly string[]): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return certificates.some((certificate) => {
    const publicKey = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
    return hashes.includes(createHash('sha256').update(publicKey).digest('hex'));
  });
}

/** Server and CA of the only cluster in a signed kubeconfig, which kubeadm writes in this plain form. */
function clusterIn(kubeconfig: string): Access & { ca: string } {
  const server = /^\s+server: (\S+)$/m.exec(kubeconfig)?.[1];
  const ca = /^\s+certificate-authority-data: (\S+)$/m.exec(kubeconfig)?.[1];
  if (server === undefined || ca === undefined) throw new Error('cluster-info names no server or no CA');
  return { server, ca: Buffer.from(ca, 'base64').toString() };
}
