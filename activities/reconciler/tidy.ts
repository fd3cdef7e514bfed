import { Context } from '@temporalio/activity';
import type { Config } from '../../src/config.js';
import { pruneAudit } from '../../src/db/audit-log.js';
import { pruneRevocations, pruneSessions, pruneTokens, pruneWallets } from '../../src/db/auth-pruning.js';
import { pruneBlocks } from '../../src/db/blocks.js';
import { pruneMonthlyCaps } from '../../src/db/spending-caps.js';
import { forgetJobLogs } from '../../src/db/job-logs.js';
import { pruneLeftDelegations } from '../../src/db/left-delegations.js';
import { forgetClaims, forgetProvider, forgetRevokedKeys, staleProviders } from '../../src/db/never-joined.js';
import type { Queryable } from '../../src/db/pool.js';
import { doubtedForS, pruneDoubts, pruneFailures } from '../../src/db/provider-failures.js';
import { forgetNodes } from '../../src/db/provider-nodes.js';
import { pruneDelegations } from '../../src/db/provider-identities.js';
import { pruneRegistrations } from '../../src/db/registrations.js';
import { forgetJoinTokens, forgetUnreadyJobs, retireToken, uselessTokens } from '../../src/db/tidy.js';
import { deleteBootstrapToken } from '../../src/kubernetes/bootstrap-tokens.js';
import { nodesThatLeftForDays } from '../../src/kubernetes/left-nodes.js';
import { expireUnanswered } from '../../src/redis/join-answers/unanswered.js';
import { providerSignals, sendSignal } from '../../src/temporal/signals.js';
import type { ActivityDeps } from '../deps.js';
import { repairLog } from './repairs.js';
import { maxDelegationS } from '../../src/wire/node-key-delegation.js';

/** The limit of one run; the next one finds the rest. */
const tokensPerRun = 200;
/** Longer than any registration may still be answered again, and long enough to investigate one that failed. */
const registrationsKeptMs = 7 * 86_400_000;
/** An expired delegation is rejected for that; its nonce is kept for as long as clocks could possibly differ. */
const delegationsKeptMs = 86_400_000;
/** Twice as long as the registrations that they answered, which may be answered again while they are kept. */
const joinTokensKeptMs = 14 * 86_400_000;
/** For a day a client is told that its token has expired; after that the token is unknown. */
const authTokensKeptMs = 86_400_000;
/** Long enough to ask what a session was used for; a session that paid for something is kept for ever. */
const sessionsKeptMs = 90 * 86_400_000;
/** Many times as long as a signed revocation is accepted. */
const revocationsKeptMs = 86_400_000;

/** Longer than they count, for people who investigate. */
const failuresKeptMs = 30 * 86_400_000;
/** A machine that registers after all does so by itself, and is a new one. */
const neverJoinedKeptMs = 7 * 86_400_000;
const neverJoinedPerRun = 200;
/** For an owner who claims a machine before setting it up. */
const claimsKeptMs = 90 * 86_400_000;
/** Longer than any delegation of such a key is valid. */
const revokedKeysKeptMs = (maxDelegationS + 86_400) * 1000;
/** For customers who ask why. */
const unreadyJobsKeptMs = 90 * 86_400_000;
/** For customers who ask why their program ended. */
const jobLogsKeptMs = 7 * 86_400_000;
/** For operators who ask who was blocked, and until when. */
const blocksKeptMs = 90 * 86_400_000;
/** Longer than any login takes. */
const walletsKeptMs = 86_400_000;

/** Of wallets that never rented and left: long enough to come back to. */
const capsKeptMs = 365 * 86_400_000;

/** Rows of a table that are removed by their age. */
interface Kept {
  prune: (db: Queryable, before: Date) => Promise<number>;
  keptMs: number;
}

const kinds: Record<string, Kept> = {
  registrations: { prune: pruneRegistrations, keptMs: registrationsKeptMs },
  delegations: { prune: pruneDelegations, keptMs: delegationsKeptMs },
  left_delegations: { prune: pruneLeftDelegations, keptMs: 0 },
  join_tokens: { prune: forgetJoinTokens, keptMs: joinTokensKeptMs },
  provider_failures: { prune: pruneFailures, keptMs: failuresKeptMs },
  provider_doubts: { prune: pruneDoubts, keptMs: doubtedForS * 1000 },
  auth_tokens: { prune: pruneTokens, keptMs: authTokensKeptMs },
  auth_sessions: { prune: pruneSessions, keptMs: sessionsKeptMs },
  auth_revocations: { prune: pruneRevocations, keptMs: revocationsKeptMs },
  auth_wallets: { prune: pruneWallets, keptMs: walletsKeptMs },
  spending_caps: { prune: pruneMonthlyCaps, keptMs: capsKeptMs },
  claims: { prune: forgetClaims, keptMs: claimsKeptMs },
  revoked_keys: { prune: forgetRevokedKeys, keptMs: revokedKeysKeptMs },
  nodes: { prune: (db) => forgetNodes(db, nodesThatLeftForDays), keptMs: 0 },
  blocks: { prune: pruneBlocks, keptMs: blocksKeptMs },
  job_logs: { prune: forgetJobLogs, keptMs: jobLogsKeptMs },
  jobs_never_ready: { prune: forgetUnreadyJobs, keptMs: unreadyJobsKeptMs },
};

/** The rows whose time is a setting. */
const configuredKinds = ({ AUDIT_LOG_DAYS }: Pick<Config, 'AUDIT_LOG_DAYS'>): Record<string, Kept> => ({
  audit_log: { prune: pruneAudit, keptMs: AUDIT_LOG_DAYS * 86_400_000 },
});

/** How much one run removed. */
interface Tidied {
  joinTokens: number;
  registrations: number;
  delegations: number;
  /** Rows of other tables, by table name. */
  others: Record<string, number>;
  failures: string[];
}

type TidyDeps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'temporal' | 'logger'>;

/** Deletes what has done its work and would only pile up. This is routine, not repair. */
export function createTidyActivities({ config, pool, redis, kubernetes, temporal, logger }: TidyDeps) {
  /** Where the last run stopped scanning Redis. */
  let cursor = '0';
  return {
    /**
     * Deletes join tokens that are of no use any more, and rows that can have no effect: registrations that were
     * processed long ago, and expired delegations, tokens, sessions and revocations. If one kind fails, the others are
     * still deleted.
     */
    async tidy(): Promise<Tidied> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      let joinTokens = 0;
      await log.each(
        await uselessTokens(pool, tokensPerRun),
        (tokenId) => `join token ${tokenId}`,
        async (tokenId) => {
          if (await retireToken(pool, tokenId, () => deleteBootstrapToken(kubernetes, tokenId))) joinTokens++;
        },
      );
      const rows: Record<string, number> = { never_joined: 0 };
      const before = new Date(Date.now() - neverJoinedKeptMs);
      await log.each(
        await staleProviders(pool, before, neverJoinedPerRun),
        (providerId) => `provider ${providerId}, which never joined`,
        async (providerId) => {
          if (await forgetProvider(pool, providerId, before, () => tellToCheck(providerId))) rows['never_joined']!++;
        },
      );
      await log.each(
        Object.entries({ ...kinds, ...configuredKinds(config) }),
        ([kind]) => `old rows of ${kind}`,
        async ([kind, { prune, keptMs }]) => {
          rows[kind] = await prune(pool, new Date(Date.now() - keptMs));
        },
      );
      await log.each(
        [redis],
        () => 'answers that nobody gave',
        async (answers) => {
          const { expiring, next } = await expireUnanswered(answers, cursor);
          cursor = next;
          rows['unanswered'] = expiring;
        },
      );
      const { registrations = 0, delegations = 0, ...others } = rows;
      return { joinTokens, registrations, delegations, others, failures: log.failures };
    },
  };

  /** Wakes the provider's workflow, which ends when it finds no row, unless a registration waits there. */
  async function tellToCheck(providerId: string): Promise<void> {
    await sendSignal(temporal, providerSignals.heartbeatChanged(providerId));
  }
}
