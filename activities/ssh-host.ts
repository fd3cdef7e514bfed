import type { V1Node } from '@kubernetes/client-node';
import type { Pool } from 'pg';
import { publicIpOf } from '../src/db/provider-reads.js';
import { BrokerError } from '../src/domain/errors.js';
import { isSshHost, type Placement } from '../src/domain/job.js';

/**
 * Where customers reach the node: its external address in the cluster, else what the provider reported, else its
 * internal address. All three come from the provider's machine, and customers paste them into a shell.
 */
export async function sshHost(pool: Pool, placement: Placement, node: V1Node): Promise<string> {
  const addressOf = (kind: string) => node.status?.addresses?.find(({ type }) => type === kind)?.address;
  const reported = await publicIpOf(pool, placement.providerId);
  const host = [addressOf('ExternalIP'), reported, addressOf('InternalIP')].find(isSshHost);
  if (host === undefined) throw new BrokerError('dependency_unavailable', `node ${placement.nodeName} has no address`);
  return host;
}
