import { Context } from '@temporalio/activity';
import { createReplySigner } from '../src/auth/broker-key.js';
import { markTokenDeleted, reserveJoinToken, tokensToRevoke } from '../src/db/join-tokens.js';
import { registrationStanding } from '../src/db/provider-approvals.js';
import { admitNode, currentNode, type Admission } from '../src/db/provider-nodes.js';
import { findProvider } from '../src/db/provider-reads.js';
import { recordRegistration, setProviderStatus } from '../src/db/providers.js';
import { takeRegistration } from '../src/db/registrations.js';
import { offerOf } from '../src/domain/registration.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import {
  bootstrapTokenExists,
  deleteBootstrapToken,
  newTokenSecret,
  replaceBootstrapToken,
} from '../src/kubernetes/bootstrap-tokens.js';
import { isOwnNode } from '../src/kubernetes/nodes.js';
import { labels } from '../src/kubernetes/names.js';
import {
  ensureReplyDelivered,
  findReply,
  publishRejection,
  publishReply,
  type RegistrationReply,
} from '../src/redis/join-answers/join-answers.js';
import { canSealFor, sealReply } from '../src/wire/sealed-answer.js';
import { closeNodes } from './close-nodes.js';
import type { ActivityDeps } from './deps.js';

/** `bootstrapsigner` needs about a second; what takes longer is tried again. */
const signatureTimeoutMs = 15_000;
/** The public agents give up after a minute. */
const deliveryTimeoutMs = 60_000;
/** Most agents wait for the answer when it comes: for those its delivery is no step of its own. */
const quickDeliveryMs = 1_000;

/** What became of a registration; nobody can join with what stands here. */
export interface RegistrationAnswer {
  tokenId: string;
  /** RFC 3339. */
  expiresAt: string;
  /** Why there is no join command, when there is none. */
  rejected?: string;
  /** The node that it is for; absent in what versions up to 0.1.0 answered. */
  nodeName?: string;
  /** That node is not there yet. */
  newNode?: true;
  /** There will be one once the provider is approved. */
  awaitsApproval?: true;
  /** An agent has it; otherwise its delivery remains to be seen to. */
  delivered?: true;
}

/** Registrations: recorded, answered with a join command, and the answer delivered. */
export function createAdmissionActivities(
  deps: Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'clusterInfo' | 'logger'>,
) {
  const { config, pool, redis, kubernetes, clusterInfo } = deps;
  const sign = createReplySigner({ pool, config });

  return {
    /**
     * Records the registration and publishes the join command. The token's secret half is made, written to its Secret
     * and published in here; only its id comes out. A repeat finds the reply it published and leaves it.
     */
    async answerRegistration(input: {
      providerId: string;
      messageId: string;
      reissued: number;
    }): Promise<RegistrationAnswer> {
      const { providerId, messageId, reissued } = input;
      const stored = await takeRegistration(pool, messageId);
      if (stored === undefined) return { tokenId: '', expiresAt: '', rejected: 'the registration is no longer stored' };
      const { registration } = stored;

      const standing = await registrationStanding(pool, providerId, stored.wallet);
      // What others send in the name of a provider that signs is not answered among its answers.
      const isToBeTold = stored.signed || !standing.signs;
      const refuse = async (message: string) => {
        if (isToBeTold) await publishAnswer(providerId, { success: false, status: 'rejected', message });
        return { tokenId: '', expiresAt: '', rejected: message };
      };
      // It came before the owner was known, and is answered after.
      if (config.PROVIDER_AUTH_MODE !== 'off' && !stored.signed && standing.isAnothers) {
        const message = 'the provider id belongs to another wallet';
        if (isToBeTold) await publishRejection(redis, providerId, message, { sign });
        return { tokenId: '', expiresAt: '', rejected: message };
      }
      const isNewest = await recordRegistration(
        pool,
        {
          providerId,
          wallet: stored.wallet,
          walletVerified: stored.signed || standing.walletVerified,
          spec: registration.spec,
          capacity: registration.capacity,
          offer: offerOf(registration),
          miningConfig: registration.miningConfig ?? null,
          agentVersion: registration.agentVersion ?? null,
          publicIp: registration.spec.publicIp ?? null,
          receivedAt: stored.receivedAt,
        },
        config,
      );
      if (!isNewest && (await findProvider(pool, providerId))?.status === 'retired') {
        return { tokenId: '', expiresAt: '', rejected: 'the provider was retired after this registration' };
      }
      if (config.PROVIDER_AUTH_MODE === 'permissive' && !stored.signed && !standing.approved) {
        const message = 'registered without a signature: its owner or an operator has to approve it before it may join';
        if (isToBeTold) await publishAnswer(providerId, { success: false, status: 'pending', message });
        return { tokenId: '', expiresAt: '', rejected: message, awaitsApproval: true };
      }
      // It was let into the stream in another mode than the one that is in force now.
      if (config.PROVIDER_AUTH_MODE === 'required' && !stored.signed) {
        return await refuse('signature required');
      }

      const { encKey } = registration;
      if (encKey !== undefined && !canSealFor(encKey)) {
        return await refuse('enc_key is no key that an answer can be sealed for');
      }

      const command = `${messageId}#${reissued}`;
      const { nodeName, isNew } = await admittedNode({ providerId, messageId: command, signed: stored.signed });
      await closeNodes(deps, providerId);
      const ttlS = config.JOIN_TOKEN_TTL_S;
      const token = await reserveJoinToken(pool, { providerId, messageId: command, nodeName, ttlS });
      const answer = {
        tokenId: token.tokenId,
        expiresAt: token.expiresAt.toISOString(),
        nodeName,
        ...(isNew ? { newNode: true as const } : {}),
      };
      const published = await findReply(redis, providerId, token.tokenId);
      if (published !== undefined && (await bootstrapTokenExists(kubernetes, token.tokenId, providerId))) return answer;

      const secret = newTokenSecret();
      await replaceBootstrapToken(kubernetes, { id: token.tokenId, secret, providerId, expiresAt: token.expiresAt });
      await clusterInfo.awaitSignature(token.tokenId, signatureTimeoutMs);
      const { host, port } = clusterInfo.endpoint;
      const joinToken = `${token.tokenId}.${secret}`;
      const reply: RegistrationReply = {
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
      const sealed = encKey === undefined ? reply : sealReply(reply, providerId, encKey);
      const leftS = Math.ceil((token.expiresAt.getTime() - Date.now()) / 1_000);
      const entryId = await publishAnswer(providerId, sealed, Math.min(Math.max(leftS, 1), ttlS));
      await setProviderStatus(pool, providerId, 'approved', 'waiting for its node to join', { unlessServing: true });
      for (const older of await tokensToRevoke(pool, providerId, token.tokenId)) {
        await deleteBootstrapToken(kubernetes, older);
        await markTokenDeleted(pool, older);
      }
      return (await isTakenAtOnce(providerId, entryId)) ? { ...answer, delivered: true } : answer;
    },

    /** Answers a registration that nothing can come of now. */
    async refuseRegistration({ providerId, message }: { providerId: string; message: string }): Promise<void> {
      await publishAnswer(providerId, { success: false, status: 'rejected', message });
    },

    /** Writes down that none of its join commands was used. One that has been in service stays what it is. */
    async recordNeverJoined({ providerId }: { providerId: string }): Promise<void> {
      await setProviderStatus(pool, providerId, 'pending', 'its node never joined', { unlessServing: true });
    },

    /** Makes sure that an agent which creates its consumer group after publishing gets the reply all the same. */
    async ensureReplyDelivered({ providerId, tokenId }: { providerId: string; tokenId: string }): Promise<boolean> {
      const entryId = await findReply(redis, providerId, tokenId);
      if (entryId === undefined) return false;
      const context = Context.current();
      return await ensureReplyDelivered(redis, providerId, entryId, {
        timeoutMs: deliveryTimeoutMs,
        signal: context.cancellationSignal,
        onHeartbeat: () => context.heartbeat(),
      });
    },
  };

  function publishAnswer(providerId: string, reply: RegistrationReply, ttlS?: number): Promise<string> {
    return publishReply(redis, providerId, reply, { sign, ...(ttlS === undefined ? {} : { ttlS }) });
  }

  /** The node that the registration is admitted for: the one in the fleet, or one of a name that no node bears. */
  async function admittedNode(admission: Omit<Admission, 'seen'>): Promise<{ nodeName: string; isNew: boolean }> {
    const read = (name: string) => unlessNotFound(kubernetes.core.readNode({ name }));
    let known = await currentNode(pool, admission.providerId);
    let node = known && (await read(known.nodeName));
    for (;;) {
      const isOwn = node !== undefined && isOwnNode(node, known!);
      const found = node === undefined ? 'none' : isOwn ? 'its_own' : 'anothers';
      const seen = known === undefined ? {} : { seen: { nodeName: known.nodeName, node: found } as const };
      const admitted = await admitNode(pool, { ...admission, ...seen });
      if (admitted.nodeName === known?.nodeName) return { nodeName: admitted.nodeName, isNew: !isOwn };
      node = await read(admitted.nodeName);
      if (node === undefined) return { nodeName: admitted.nodeName, isNew: true };
      known = admitted;
    }
  }

  async function isTakenAtOnce(providerId: string, entryId: string): Promise<boolean> {
    // Ended by the signal and not by the time-out, which would take the reply back.
    const signal = AbortSignal.timeout(quickDeliveryMs);
    try {
      return await ensureReplyDelivered(redis, providerId, entryId, { timeoutMs: deliveryTimeoutMs, signal });
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}
