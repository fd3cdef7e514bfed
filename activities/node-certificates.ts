import { markTokenUsed, nodeOfToken } from '../src/db/join-tokens.js';
import { currentNode, keyOf, markNodeCertified } from '../src/db/provider-nodes.js';
import { decideNodeCertificate } from '../src/kubernetes/node-certificates.js';
import type { CertificateRequested } from '../workflows/provider-messages.js';
import type { ActivityDeps } from './deps.js';

/** Certificates for providers' nodes. */
export function createNodeCertificateActivities({ pool, kubernetes }: Pick<ActivityDeps, 'pool' | 'kubernetes'>) {
  return {
    /**
     * Approves or denies a certificate request that was made with this provider's token, or by its node for its own
     * renewal. A request may name only the provider's own node.
     */
    async approveNodeCertificate({
      providerId,
      name,
      tokenId,
      leaving,
    }: CertificateRequested & { providerId: string; leaving: boolean }): Promise<{
      approved: boolean;
      reason: string;
    }> {
      const token = tokenId === undefined ? undefined : { tokenId, ...(await nodeOfToken(pool, tokenId)) };
      const node = await currentNode(pool, providerId);
      const key = await keyOf(pool, providerId);
      const decision = await decideNodeCertificate(
        kubernetes,
        {
          ...{ name, leaving },
          ...(token === undefined ? {} : { token }),
          ...(node === undefined ? {} : { node }),
          ...(key === undefined ? {} : { key }),
        },
        (nodeName) => markNodeCertified(pool, nodeName),
      );
      if (decision.approved && tokenId !== undefined) await markTokenUsed(pool, tokenId);
      return decision;
    },
  };
}
