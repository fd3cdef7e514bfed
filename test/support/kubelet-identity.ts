import { X509Certificate } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Machine } from '../../engines/real-node/machine.js';
import { keptConnections, type Access } from '../../engines/simulated-provider/kubernetes-request.js';

/** As whom a kubelet speaks, and until when. */
export interface KubeletIdentity {
  access: Access;
  serial: string;
  endsAtMs: number;
}

/**
 * Takes the certificate and its key from the disk of a machine, as its owner can.
 *
 * @param admin how the cluster is reached.
 */
export function kubeletIdentity({ files }: Machine, { server, ca }: Access): KubeletIdentity {
  const folder = join(files, 'var/lib/kubelet/pki');
  // A link, by the path that the file has in the machine.
  const pem = readFileSync(join(folder, basename(readlinkSync(join(folder, 'kubelet-client-current.pem')))), 'utf8');
  const certificate = new X509Certificate(pem);
  return {
    access: { server, ca: ca!, certificate: pem, key: pem, agent: keptConnections() },
    serial: certificate.serialNumber,
    endsAtMs: Date.parse(certificate.validTo),
  };
}
