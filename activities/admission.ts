import { Context } from '@temporalio/activity';
import { createReplySigner } from '../src/auth/broker-key.js';
import { createTokenSeal } from '../src/auth/token-seal.js';
import { recordAnswer } from '../src/db/answer-desk.js';
import { countLiveTokensTogether, markTokenDelivered } from '../src/db/join-tokens.js';
import { registrationRecord } from '../src/db/provider-approvals.js';
import { findProvider } from '../src/db/provider-reads.js';
import { recordRegistrations, setProviderStatus, type RegisteredProvider } from '../src/db/providers.js';
import { takeRegistration } from '../src/db/registrations.js';
import { together } from '../src/db/together.js';
import { offerOf } from '../src/domain/registration.js';
import { isTokenReplaced, manyLiveTokens } from '../src/domain/token-life.js';
import {
  ensureReplyDelivered as awaitDelivery,
  findReply,
  publishRejection,
  publishReply,
} from '../src/redis/join-answers/join-answers.js';
import type { TokensAhead } from '../src/kubernetes/tokens-ahead.js';
import type { ActivityDeps } from './deps.js';
import { deliveryTimeoutMs, issueJoinCommand } from './join-command.js';
import type { RegistrationAnswer, RegistrationRejected } from '../src/domain/registration-answer.js';
import {
  belongsToAnotherWallet,
  objectionTo,
  standsOutOfReach,
  type Candidate,
  type Objection,
} from './registration-objections.js';

/** A stored registration; `reissued` counts the join commands that it was given unasked. */
interface Registered {
  providerId: string;
  messageId: string;
  reissued: number;
}

/** Registrations: records them, answers with a join command, and makes sure that the answer is delivered. */
export function createAdmissionActivities(
  deps: Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'clusterInfo' | 'logger'> & {
    tokensAhead?: Pick<TokensAhead, 'take' | 'putBack'>;
  },
) {
  const { config, pool, redis } = deps;
  const sign = createReplySigner({ pool, config });
  const answering = { ...deps, sign, tokenSeal: createTokenSeal(pool) };
  const recordRegistration = together(
    (database, registered: readonly RegisteredProvider[]) => recordRegistrations(database, registered, config),
    ({ providerId }) => providerId,
  );

  return {
    /** Records a registration and publishes its join command, or returns why there is none. Safe to repeat. */
    async answerRegistration(input: Registered): Promise<RegistrationAnswer> {
      const answer = await answerOf(input);
      if (input.reissued === 0) await recordAnswer(pool, { messageId: input.messageId, answer });
      return answer;
    },

    /** Rejects a registration that can have no effect now. */
    async refuseRegistration({ providerId, message }: { providerId: string; message: string }): Promise<void> {
      await publishReply(redis, providerId, { success: false, status: 'rejected', message }, { sign });
    },

    /**
     * Records that none of the provider's join commands was used. A provider that has been in service keeps its status.
     */
    async recordNeverJoined({ providerId }: { providerId: string }): Promise<void> {
      await setProviderStatus(pool, providerId, 'pending', 'its node never joined', { unlessServing: true });
    },

    /** Makes sure that an agent which creates its consumer group only after publishing still gets the answer. */
    async ensureReplyDelivered({ providerId, tokenId }: { providerId: string; tokenId: string }): Promise<boolean> {
      const entryId = await findReply(redis, providerId, tokenId);
      if (entryId === undefined) return false;
      const context = Context.current();
      const delivered = await awaitDelivery(redis, providerId, entryId, {
        timeoutMs: deliveryTimeoutMs,
        signal: context.cancellationSignal,
        onHeartbeat: () => context.heartbeat(),
      });
      if (delivered) await markTokenDelivered(pool, tokenId);
      return delivered;
    },
  };

  async function answerOf({ providerId, messageId, reissued }: Registered): Promise<RegistrationAnswer> {
    const stored = await takeRegistration(pool, messageId);
    if (stored === undefined) return { kind: 'rejected', rejected: 'the registration is no longer stored' };
    const record = await registrationRecord(pool, { providerId, wallet: stored.wallet });
    const candidate: Candidate = { stored, record, mode: config.PROVIDER_AUTH_MODE };
    const objection =
      belongsToAnotherWallet(candidate) ??
      standsOutOfReach(candidate, config.PROVIDER_PRIVATE_CIDRS) ??
      (await recordThenCheck(providerId, candidate));
    if (objection !== undefined) return await reject(providerId, candidate, objection);
    // Nobody asked for this one, so nobody waits for an answer.
    if (reissued > 0 && !isTokenReplaced(await countLiveTokensTogether(pool, manyLiveTokens + 1)))
      return await withhold(providerId);
    return await issueJoinCommand(answering, { providerId, command: `${messageId}#${reissued}`, stored });
  }

  async function recordThenCheck(providerId: string, candidate: Candidate): Promise<Objection | undefined> {
    const { stored, record } = candidate;
    const { registration } = stored;
    const isNewest = await recordRegistration(pool, {
      providerId,
      wallet: stored.wallet,
      walletVerified: stored.signed || record.walletVerified,
      spec: registration.spec,
      capacity: registration.capacity,
      offer: offerOf(registration),
      miningConfig: registration.miningConfig ?? null,
      agentVersion: registration.agentVersion ?? null,
      publicIp: registration.spec.publicIp ?? null,
      receivedAt: stored.receivedAt,
    });
    const isRetired = async () => !isNewest && (await findProvider(pool, providerId))?.status === 'retired';
    return await objectionTo({ ...candidate, isRetired });
  }

  /** The row says what it says of one that used none of its tokens. */
  async function withhold(providerId: string): Promise<RegistrationRejected> {
    const message = 'too many machines are joining: register again';
    await setProviderStatus(pool, providerId, 'pending', message, { unlessServing: true });
    return { kind: 'rejected', rejected: message };
  }

  async function reject(
    providerId: string,
    { stored, record }: Candidate,
    { message, tells }: Objection,
  ): Promise<RegistrationRejected> {
    // If the provider signs, an unsigned message in its name gets no answer in its response stream.
    const isToBeTold = stored.signed || !record.signs;
    if (isToBeTold && tells === 'rejected_unless_answered')
      await publishRejection(redis, providerId, message, { sign });
    if (isToBeTold && (tells === 'rejected' || tells === 'pending')) {
      await publishReply(redis, providerId, { success: false, status: tells, message }, { sign });
    }
    return { kind: 'rejected', rejected: message, ...(tells === 'pending' ? { awaitsApproval: true } : {}) };
  }
}
