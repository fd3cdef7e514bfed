import { Context } from '@temporalio/activity';
import { pruneRevocations, pruneSessions, pruneTokens, pruneWallets } from '../../src/db/auth-pruning.js';
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

/** What one run removes; the next one finds the rest. */
const tokensPerRun = 200;
/** Longer than any registration may still be answered anew, and long enough to look at one that went wrong. */
const registrationsKeptMs = 7 * 86_400_000;
/** Past its end a delegation is refused for that; its nonce is kept for as long as clocks may differ at the very most. */
const delegationsKeptMs = 86_400_000;
/** As long as the registrations that they answered, which may be answered anew while they are kept, and as much again. */
const joinTokensKeptMs = 14 * 86_400_000;
/** A token that has expired is told so for a day, and is not known after. */
const authTokensKeptMs = 86_400_000;
/** Long enough to ask what a session was used for; what it paid for keeps it for ever. */
const sessionsKeptMs = 90 * 86_400_000;
/** Many times as long as a signed revocation is accepted after it was signed. */
const revocationsKeptMs = 86_400_000;

/** Longer than they count, to look at. */
const failuresKeptMs = 30 * 86_400_000;
/** A machine that comes after all registers by itself, and is a new one. */
const neverJoinedKeptMs = 7 * 86_400_000;
const neverJoinedPerRun = 200;
/** For an owner who claims a machine before he sets it up. */
const claimsKeptMs = 90 * 86_400_000;
/** Longer than any delegation of such a key is good for. */
const revokedKeysKeptMs = (maxDelegationS + 86_400) * 1000;
/** For customers who ask why. */
const unreadyJobsKeptMs = 90 * 86_400_000;
/** Longer than any login takes. */
const walletsKeptMs = 86_400_000;

const kinds: Record<string, { prune: (db: Queryable, before: Date) => Promise<number>; keptMs: number }> = {
  registrations: { prune: pruneRegistrations, keptMs: registrationsKeptMs },
  delegations: { prune: pruneDelegations, keptMs: delegationsKeptMs },
  join_tokens: { prune: forgetJoinTokens, keptMs: joinTokensKeptMs },
  provider_failures: { prune: pruneFailures, keptMs: failuresKeptMs },
  provider_doubts: { prune: pruneDoubts, keptMs: doubtedForS * 1000 },
  auth_tokens: { prune: pruneTokens, keptMs: authTokensKeptMs },
  auth_sessions: { prune: pruneSessions, keptMs: sessionsKeptMs },
  auth_revocations: { prune: pruneRevocations, keptMs: revocationsKeptMs },
  auth_wallets: { prune: pruneWallets, keptMs: walletsKeptMs },
  claims: { prune: forgetClaims, keptMs: claimsKeptMs },
  revoked_keys: { prune: forgetRevokedKeys, keptMs: revokedKeysKeptMs },
  nodes: { prune: (db) => forgetNodes(db, nodesThatLeftForDays), keptMs: 0 },
  jobs_never_ready: { prune: forgetUnreadyJobs, keptMs: unreadyJobsKeptMs },
};

/** How much one run removed. */
export interface Tidied {
  joinTokens: number;
  registrations: number;
  delegations: number;
  /** Of other tables, by their names. */
  others: Record<string, number>;
  failures: string[];
}

/** What has done its work and would only pile up. Removing it is routine, not repair. */
export function createTidyActivities({
  pool,
  redis,
  kubernetes,
  temporal,
  logger,
}: Pick<ActivityDeps, 'pool' | 'redis' | 'kubernetes' | 'temporal' | 'logger'>) {
  /** How far through Redis the last run has looked. */
  let cursor = '0';
  return {
    /**
     * Deletes join tokens that are of no use any more, and rows that can have no effect: registrations that were read long
     * ago, and what expired of delegations, tokens, sessions and revocations. One kind that fails leaves the others be.
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
          if (await forgetProvider(pool, providerId, before, () => tellToLook(providerId))) rows['never_joined']!++;
        },
      );
      await log.each(
        Object.entries(kinds),
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

  /** Its workflow ends when it finds no row, unless a registration waits there. */
  async function tellToLook(providerId: string): Promise<void> {
    await sendSignal(temporal, providerSignals.heartbeatChanged(providerId));
  }
}
