import type { TokenOwner, TokenSeal } from '../src/auth/token-seal.js';
import {
  countLiveTokensTogether,
  liveAnswer,
  markTokenAnswered,
  markTokenDeleted,
  markTokenDelivered,
  replacedTokens,
  reserveJoinToken,
  type JoinToken,
  type LiveAnswer,
} from '../src/db/join-tokens.js';
import { isDatabaseAway } from '../src/db/pool.js';
import { setProviderStatuses } from '../src/db/providers.js';
import type { StoredRegistration } from '../src/db/registrations.js';
import { togetherLocking } from '../src/db/together.js';
import { BrokerError } from '../src/domain/errors.js';
import { mostLiveTokens, tokenLifeS } from '../src/domain/token-life.js';
import {
  bootstrapTokenExists,
  deleteBootstrapToken,
  newTokenSecret,
  replaceBootstrapToken,
} from '../src/kubernetes/bootstrap-tokens.js';
import { asDependencyError } from '../src/kubernetes/client.js';
import type { ClusterInfo } from '../src/kubernetes/cluster-info.js';
import type { TokensAhead } from '../src/kubernetes/tokens-ahead.js';
import { labels } from '../src/kubernetes/names.js';
import {
  ensureReplyDelivered,
  findReply,
  publishReply,
  type SignReply,
} from '../src/redis/join-answers/join-answers.js';
import { forgetSecret, keepSecret, keptSecret } from '../src/redis/join-answers/kept-secrets.js';
import type { RegistrationReply } from '../src/wire/join-answer.js';
import { sealReply } from '../src/wire/sealed-answer.js';
import { admittedNode } from './admitted-node.js';
import { closeNodes } from './close-nodes.js';
import type { ActivityDeps } from './deps.js';
import type { JoinCommandIssued } from '../src/domain/registration-answer.js';
import { arrivalMs } from '../src/redis/streams/entry.js';

/** `bootstrapsigner` needs about a second; if it takes longer than this, the step is retried. */
export const signatureTimeoutMs = 15_000;
/** The public agents give up after a minute. */
export const deliveryTimeoutMs = 60_000;
/** Most agents are listening when the answer comes: for those, delivery needs no step of its own. */
const quickDeliveryMs = 1_000;

/** How often to try when another attempt, or a stranger, writes at the same moment. */
const keepTries = 3;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'clusterInfo' | 'logger'> & {
  sign: SignReply;
  tokenSeal: TokenSeal;
  /** Without them, each token is made when it is needed. */
  tokensAhead?: Pick<TokensAhead, 'take' | 'putBack'>;
};

/** A registration that gets a join command; `command` tells apart several commands for the same registration. */
interface Admitted {
  providerId: string;
  command: string;
  stored: StoredRegistration;
}

/** The token that an answer holds, and whether an agent has that answer. */
interface Given {
  token: JoinToken;
  delivered: boolean;
}

/**
 * Answers with a join command: the one that the sender was given before, while that is good, so that an agent which asks
 * again does not lose the token with which it is about to join; otherwise a new one. Only the token's id is returned.
 * A repeat finds the published answer and leaves it.
 */
export async function issueJoinCommand(deps: Deps, admitted: Admitted): Promise<JoinCommandIssued> {
  const { providerId, command, stored } = admitted;
  const { registration, wallet, signed } = stored;
  const { encKey } = registration;
  const sender = { providerId, wallet, signed, ...(encKey === undefined ? {} : { encKey }) };
  const live = await liveAnswer(deps.pool, { ...sender, command });
  const { nodeName, isNew } = await admittedNode(deps, { providerId, messageId: live?.messageId ?? command, signed });
  await closeNodes(deps, providerId);
  const again = live?.nodeName === nodeName ? await giveAgain(deps, admitted, live) : undefined;
  const { token, delivered } = again ?? (await giveNew(deps, admitted, nodeName));
  return {
    ...{ kind: 'issued', tokenId: token.tokenId, expiresAt: token.expiresAt.toISOString(), nodeName },
    ...(isNew ? { newNode: true } : {}),
    ...(delivered ? { delivered: true } : {}),
  };
}

/** @returns undefined if the answer cannot be given again. */
async function giveAgain(deps: Deps, admitted: Admitted, live: LiveAnswer): Promise<Given | undefined> {
  const { redis, kubernetes } = deps;
  const { providerId, stored } = admitted;
  const { tokenId, answeredAt, sealedFor } = live;
  if (!(await bootstrapTokenExists(kubernetes, tokenId, providerId))) return undefined;
  if (sealedFor === stored.registration.encKey) {
    // An agent may have taken it without anybody having looked since.
    const entryId = await findReply(redis, providerId, tokenId);
    const isTaken =
      entryId === undefined ? live.delivered : await isTakenAtOnce(deps, providerId, { entryId, tokenId });
    if (entryId !== undefined && !isTaken) return { token: live, delivered: false };
    // Whoever sent this one took the answer after that: it had waited too long, and asked again meanwhile.
    if (isTaken && stored.receivedAt < answeredAt) return { token: live, delivered: true };
  }
  const secret = await keptHalf(deps, { providerId, ...live });
  if (secret === undefined) return undefined;
  const entryId = await publish(deps, admitted, { ...live, secret });
  return { token: live, delivered: await isTakenAtOnce(deps, providerId, { entryId, tokenId }) };
}

async function giveNew(deps: Deps, admitted: Admitted, nodeName: string): Promise<Given> {
  const { config, pool, redis, kubernetes, clusterInfo, tokensAhead } = deps;
  const { providerId, command } = admitted;
  const ttlS = tokenLifeS(await countLiveTokensTogether(pool, mostLiveTokens), config.JOIN_TOKEN_TTL_S);
  const ahead = await tokensAhead?.take();
  const reserved = reserveJoinToken(pool, { providerId, messageId: command, nodeName, ttlS, ahead });
  const token = await reserved.catch((error: unknown) => {
    // In an outage the outcome is unknown: the token may already be this provider's.
    if (ahead !== undefined && !isDatabaseAway(error)) tokensAhead?.putBack(ahead);
    throw error;
  });
  const { tokenId, expiresAt } = token;
  if (ahead !== undefined && ahead.tokenId !== tokenId) tokensAhead?.putBack(ahead);
  else if (ahead !== undefined && (await keepHalf(deps, { providerId, ...token }, ahead.secret)))
    return await give(deps, admitted, { ...token, nodeName, secret: ahead.secret });
  const published = await findReply(redis, providerId, tokenId);
  if (published !== undefined && (await bootstrapTokenExists(kubernetes, tokenId, providerId))) {
    // The attempt that published it may have ended before these steps.
    await recordPublished(deps, admitted, { entryId: published, tokenId });
    await revokeReplacedTokens(deps, providerId, tokenId);
    return { token, delivered: false };
  }
  const secret = await secretHalf(deps, { providerId, ...token });
  // One that is left from an earlier attempt may have another secret half, if Redis has lost that.
  await replaceBootstrapToken(kubernetes, { id: tokenId, secret, providerId, expiresAt });
  await clusterInfo.awaitSignature(tokenId, signatureTimeoutMs);
  return await give(deps, admitted, { ...token, nodeName, secret });
}

/** Publishes the answer with a new token, which takes the place of earlier ones. */
async function give(deps: Deps, admitted: Admitted, token: JoinToken & { nodeName: string; secret: string }) {
  const { providerId } = admitted;
  const { tokenId } = token;
  const entryId = await publish(deps, admitted, token);
  await revokeReplacedTokens(deps, providerId, tokenId);
  return { token, delivered: await isTakenAtOnce(deps, providerId, { entryId, tokenId }) };
}

/** The secret half of a token. All attempts to answer with the token agree on it, because it is kept before it is used. */
async function secretHalf(deps: Deps, token: TokenOwner): Promise<string> {
  for (let tries = 0; tries < keepTries; tries++) {
    const kept = await keptHalf(deps, token);
    if (kept !== undefined) return kept;
    const secret = newTokenSecret();
    if (await keepHalf(deps, token, secret)) return secret;
  }
  throw asDependencyError(
    new BrokerError('dependency_unavailable', `somebody else writes what Redis keeps of token ${token.tokenId}`),
  );
}

/** @returns false if another attempt with the same token has kept another half: that one counts. */
async function keepHalf({ config, redis, tokenSeal }: Deps, token: TokenOwner, secret: string): Promise<boolean> {
  const sealed = await tokenSeal.seal(token, secret);
  const { tokenId } = token;
  return await keepSecret(redis, { tokenId, sealed, ttlS: lifetimeS(token, config.JOIN_TOKEN_TTL_S) });
}

/** What is kept of a token; anything that cannot be opened is removed. */
async function keptHalf({ redis, tokenSeal }: Deps, token: TokenOwner): Promise<string | undefined> {
  const sealed = await keptSecret(redis, token.tokenId);
  if (sealed === undefined) return undefined;
  const secret = await tokenSeal.open(token, sealed);
  if (secret === undefined) await forgetSecret(redis, token.tokenId);
  return secret;
}

/** A provider that has its answer waits for its node, unless that is in service. */
const awaitNode = togetherLocking((db, providerIds: readonly string[]) =>
  setProviderStatuses(db, providerIds, 'approved', 'waiting for its node to join', { unlessServing: true }),
);

/** Publishes the answer with a token that the cluster accepts. @returns the id of its entry. */
async function publish(
  deps: Deps,
  admitted: Admitted,
  token: JoinToken & { nodeName: string; secret: string },
): Promise<string> {
  const { config, redis, clusterInfo, sign } = deps;
  const { providerId, stored } = admitted;
  const { encKey } = stored.registration;
  const reply = joinReply(clusterInfo, providerId, token);
  const sealed = encKey === undefined ? reply : sealReply(reply, providerId, encKey);
  const entryId = await publishReply(redis, providerId, sealed, {
    sign,
    ttlS: lifetimeS(token, config.JOIN_TOKEN_TTL_S),
  });
  await recordPublished(deps, admitted, { entryId, tokenId: token.tokenId });
  return entryId;
}

async function recordPublished(
  { pool }: Deps,
  { providerId, stored }: Admitted,
  { entryId, tokenId }: { entryId: string; tokenId: string },
): Promise<void> {
  const { encKey } = stored.registration;
  await markTokenAnswered(pool, { tokenId, encKey, answeredAt: new Date(arrivalMs(entryId)) });
  await awaitNode(pool, providerId);
}

/** What is kept of a token lasts as long as the token. */
function lifetimeS({ expiresAt }: Pick<JoinToken, 'expiresAt'>, ttlS: number): number {
  const leftS = Math.ceil((expiresAt.getTime() - Date.now()) / 1_000);
  return Math.min(Math.max(leftS, 1), ttlS);
}

function joinReply(
  { endpoint: { host, port }, caHash }: ClusterInfo,
  providerId: string,
  { tokenId, secret, nodeName }: { tokenId: string; secret: string; nodeName: string },
): RegistrationReply {
  const joinToken = `${tokenId}.${secret}`;
  return {
    success: true,
    status: 'approved',
    message: 'run join_command as root on this machine',
    join_token: joinToken,
    join_command:
      `kubeadm join ${host}:${port} --token ${joinToken}` +
      ` --discovery-token-ca-cert-hash ${caHash} --node-name ${nodeName}`,
    master_ip: host,
    master_port: port,
    ca_hash: caHash,
    node_name: nodeName,
    labels: { [labels.providerId]: providerId },
  };
}

async function revokeReplacedTokens({ pool, kubernetes }: Deps, providerId: string, newest: string): Promise<void> {
  for (const tokenId of await replacedTokens(pool, { providerId, newest })) {
    await deleteBootstrapToken(kubernetes, tokenId);
    await markTokenDeleted(pool, tokenId);
  }
}

async function isTakenAtOnce(
  { pool, redis }: Deps,
  providerId: string,
  { entryId, tokenId }: { entryId: string; tokenId: string },
): Promise<boolean> {
  // The signal ends the wait, not the time-out: the time-out would withdraw the answer.
  const signal = AbortSignal.timeout(quickDeliveryMs);
  try {
    const taken = await ensureReplyDelivered(redis, providerId, entryId, { timeoutMs: deliveryTimeoutMs, signal });
    if (taken) await markTokenDelivered(pool, tokenId);
    return taken;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
