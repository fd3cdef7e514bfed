import type { ProviderLife } from './provider-life.js';
import type { CertificateRequested } from './provider-messages.js';
import { fleet, mining } from './provider-steps.js';

/** Has a certificate request decided: the activity compares it with what this provider may have. */
export async function certify(life: ProviderLife, request: CertificateRequested): Promise<void> {
  const { providerId, retiring } = life;
  const before = life.state().waitingFor;
  life.waiting(`the certificate ${request.name} of its node`);
  const { approved, reason } = await fleet.approveNodeCertificate({ providerId, leaving: retiring, ...request });
  const next = request.tokenId === undefined ? before : `its node ${life.nodeName} to become ready`;
  life.waiting(approved ? next : `a valid certificate request: ${reason}`);
}

/** Records new figures of what the provider offers. */
export async function updateCapacity(life: ProviderLife, messageId: string): Promise<void> {
  await fleet.updateCapacity({ providerId: life.providerId, messageId });
  life.changed = true;
}

/** Lets as many of its GPUs mine as its status, its configuration and the site allow now. */
export async function syncMining(life: ProviderLife): Promise<void> {
  life.miningStale = false;
  await mining.syncMining({ providerId: life.providerId });
}
