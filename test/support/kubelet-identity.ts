import { X509Certificate } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Machine } from '../../engines/real-node/machine.js';
import { keptConnections, type Access } from '../../engines/simulated-provider/kubernetes-request.js';

/** A kubelet's identity, and when it expires. */
export interface KubeletIdentity {
  access: Access;
  serial: string;
  endsAtMs: number;
}

/**
 * Reads the certificate and its key from a machine's disk, as its owner can.
 *
 * @param admin how to reach the cluster.
 */
export function kubeletIdentity({ files }: Machine, { server, ca }: Access): KubeletIdentity {
  const folder = join(files, 'var/lib/kubelet/pki');
  // A link that holds the file's path inside the machine.
  const pem = readFileSync(join(folder, basename(readlinkSync(join(folder, 'kubelet-client-current.pem')))), 'utf8');
  const certificate = new X509Certificate(pem);
  return {
    access: { server, ca: ca!, certificate: pem, key: pem, agent: keptConnections() },
    serial: certificate.serialNumber,
    endsAtMs: Date.parse(certificate.validTo),
  };
}
