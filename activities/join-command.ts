import type { SignReply } from '../src/redis/join-answers/join-answers.js';
import { markTokenDeleted, reserveJoinToken, tokensToRevoke } from '../src/db/join-tokens.js';
import { setProviderStatus } from '../src/db/providers.js';
import type { StoredRegistration } from '../src/db/registrations.js';
import {
  bootstrapTokenExists,
  deleteBootstrapToken,
  newTokenSecret,
  replaceBootstrapToken,
} from '../src/kubernetes/bootstrap-tokens.js';
import { labels } from '../src/kubernetes/names.js';
import { ensureReplyDelivered, findReply, publishReply } from '../src/redis/join-answers/join-answers.js';
import { sealReply } from '../src/wire/sealed-answer.js';
import { admittedNode } from './admitted-node.js';
import { closeNodes } from './close-nodes.js';
import type { ActivityDeps } from './deps.js';
import type { JoinCommandIssued } from './registration-answer.js';
import type { RegistrationReply } from '../src/wire/join-answer.js';

/** `bootstrapsigner` needs about a second; if it takes longer than this, the step is retried. */
const signatureTimeoutMs = 15_000;
/** The public agents give up after a minute. */
export const deliveryTimeoutMs = 60_000;
/** Most agents are listening when the answer comes: for those, delivery needs no step of its own. */
const quickDeliveryMs = 1_000;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'clusterInfo' | 'logger'>;

type Token = Awaited<ReturnType<typeof reserveJoinToken>>;

/** A registration that gets a join command; `command` tells apart several commands for the same registration. */
interface Admitted {
  providerId: string;
  command: string;
  stored: StoredRegistration;
}

/**
 * Publishes a join command. The token's secret half is created, written to its Secret and published here; only its id
 * is returned. A repeat finds the published answer and leaves it.
 */
export async function issueJoinCommand(deps: Deps, sign: SignReply, admitted: Admitted): Promise<JoinCommandIssued> {
  const { config, pool, redis, kubernetes } = deps;
  const { providerId, command, stored } = admitted;
  const { nodeName, isNew } = await admittedNode(deps, { providerId, messageId: command, signed: stored.signed });
  await closeNodes(deps, providerId);
  const ttlS = config.JOIN_TOKEN_TTL_S;
  const token = await reserveJoinToken(pool, { providerId, messageId: command, nodeName, ttlS });
  const { tokenId, expiresAt } = token;
  const issued: JoinCommandIssued = {
    ...{ kind: 'issued', tokenId, expiresAt: expiresAt.toISOString(), nodeName },
    ...(isNew ? { newNode: true } : {}),
  };
  const published = await findReply(redis, providerId, tokenId);
  if (published !== undefined && (await bootstrapTokenExists(kubernetes, tokenId, providerId))) return issued;

  const reply = await joinReply(deps, providerId, token, nodeName);
  const { encKey } = stored.registration;
  const sealed = encKey === undefined ? reply : sealReply(reply, providerId, encKey);
  const leftS = Math.ceil((expiresAt.getTime() - Date.now()) / 1_000);
  const lifetime = { ttlS: Math.min(Math.max(leftS, 1), ttlS) };
  const entryId = await publishReply(redis, providerId, sealed, { sign, ...lifetime });
  await setProviderStatus(pool, providerId, 'approved', 'waiting for its node to join', { unlessServing: true });
  await revokeOlderTokens(deps, providerId, tokenId);
  return (await isTakenAtOnce(deps, providerId, entryId)) ? { ...issued, delivered: true } : issued;
}

/** Creates the token's Secret, and the answer with the join command, once the cluster accepts the token. */
async function joinReply(
  { kubernetes, clusterInfo }: Deps,
  providerId: string,
  { tokenId, expiresAt }: Token,
  nodeName: string,
): Promise<RegistrationReply> {
  const secret = newTokenSecret();
  await replaceBootstrapToken(kubernetes, { id: tokenId, secret, providerId, expiresAt });
  await clusterInfo.awaitSignature(tokenId, signatureTimeoutMs);
  const { host, port } = clusterInfo.endpoint;
  const joinToken = `${tokenId}.${secret}`;
  return {
    success: true,
    status: 'approved',
    message: 'run join_command as root on this machine',
    join_token: joinToken,
    join_command:
      `kubeadm join ${host}:${port} --token ${joinToken}` +
      ` --discovery-token-ca-cert-hash ${clusterInfo.caHash} --node-name ${nodeName}`,
    master_ip: host,
    master_port: port,
    ca_hash: clusterInfo.caHash,
    node_name: nodeName,
    labels: { [labels.providerId]: providerId },
  };
}

async function revokeOlderTokens({ pool, kubernetes }: Deps, providerId: string, tokenId: string): Promise<void> {
  for (const older of await tokensToRevoke(pool, providerId, tokenId)) {
    await deleteBootstrapToken(kubernetes, older);
    await markTokenDeleted(pool, older);
  }
}

async function isTakenAtOnce({ redis }: Deps, providerId: string, entryId: string): Promise<boolean> {
  // The signal ends the wait, not the time-out: the time-out would withdraw the answer.
  const signal = AbortSignal.timeout(quickDeliveryMs);
  try {
    return await ensureReplyDelivered(redis, providerId, entryId, { timeoutMs: deliveryTimeoutMs, signal });
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
