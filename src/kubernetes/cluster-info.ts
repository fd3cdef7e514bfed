import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { asDependencyError, type Kubernetes } from './client.js';

/** How often to read `cluster-info` while a caller waits for a signature in it. */
const pollMs = 150;

/** What a provider needs to find and trust the cluster. */
export interface ClusterInfo {
  /** The host and port of the API server, as providers reach it. */
  endpoint: { host: string; port: number };
  /** `sha256:<hex>` of the CA's public key, as `kubeadm join` checks it. */
  caHash: string;
  /**
   * Resolves when `cluster-info` has a signature for this token: until then, a join with the token is rejected and
   * kubeadm waits. One reader reads the ConfigMap for any number of callers.
   *
   * @throws dependency_unavailable when there is none in time.
   */
  awaitSignature(tokenId: string, timeoutMs: number): Promise<void>;
}

/** Reads the cluster's CA and address from the broker's own configuration. */
export function clusterInfo(
  kubernetes: Kubernetes,
  config: Pick<Config, 'MASTER_PUBLIC_IP' | 'MASTER_API_PORT'>,
): ClusterInfo {
  const cluster = kubernetes.config.getCurrentCluster();
  if (cluster === null) throw new Error('the Kubernetes configuration names no cluster');
  const pem =
    cluster.caData === undefined ? readFileSync(cluster.caFile ?? '', 'utf8') : Buffer.from(cluster.caData, 'base64');
  const publicKey = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  const server = new URL(cluster.server);
  const waiting = new Set<{ tokenId: string; resolve(): void }>();
  let reading = false;

  async function readWhileWaiting(): Promise<void> {
    reading = true;
    try {
      while (waiting.size > 0) {
        const info = await kubernetes.core
          .readNamespacedConfigMap({ name: 'cluster-info', namespace: 'kube-public' })
          .catch(() => undefined);
        for (const { tokenId, resolve } of waiting) {
          if (info?.data?.[`jws-kubeconfig-${tokenId}`] !== undefined) resolve();
        }
        await sleep(pollMs);
      }
    } finally {
      reading = false;
    }
  }

  return {
    endpoint: {
      host: config.MASTER_PUBLIC_IP ?? server.hostname,
      port: config.MASTER_PUBLIC_IP === undefined ? Number(server.port || 443) : config.MASTER_API_PORT,
    },
    caHash: `sha256:${createHash('sha256').update(publicKey).digest('hex')}`,
    async awaitSignature(tokenId, timeoutMs) {
      const own = { tokenId, resolve: () => undefined as void };
      const signed = new Promise<boolean>((resolve) => (own.resolve = () => resolve(true)));
      waiting.add(own);
      if (!reading) void readWhileWaiting();
      const late = sleep(timeoutMs, false, { ref: false });
      const done = await Promise.race([signed, late]).finally(() => waiting.delete(own));
      if (!done)
        throw asDependencyError(
          new BrokerError('dependency_unavailable', `cluster-info is not signed for ${tokenId} yet`),
        );
    },
  };
}
