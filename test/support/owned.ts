import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { PrivateKeyAccount } from 'viem/accounts';
import { newJobId } from '../../src/api/job-id.js';
import type { JobCommands } from '../../src/api/job-commands.js';
import type { Session } from '../../src/client/session.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { insertToken } from '../../src/db/auth-tokens.js';
import { setBlock } from '../../src/db/blocks.js';
import { insertJob } from '../../src/db/jobs.js';
import { postEntry } from '../../src/db/ledger.js';
import { withoutPrices } from '../../src/db/offers.js';
import { changeOwnerPrices } from '../../src/db/provider-prices.js';
import { insertSshKey } from '../../src/db/ssh-keys.js';
import { withTransaction } from '../../src/db/pool.js';
import type { Api, ApiOptions } from './api.js';
import { putBilledJob } from './billed-jobs.js';
import { depositInTable } from './chain-site.js';
import { putProvider, putSession, recordOwner, testOrder } from './fleet.js';
import { blockedImage, type Belongings } from './route-attempts.js';
import { quietOversight } from './tried-api.js';
import type { Scope } from '../../src/wire/scopes.js';
import { putReceipt } from './receipts.js';

/**
 * Adds one of everything for a wallet: a session with a token, a running job, a provider, and a block of an image.
 *
 * @param deposited also tokens in the vault of `chainEnv`.
 * @param paid also a job that was charged, and earnings to be paid out.
 */
export async function putBelongings(
  pool: Pool,
  owner: PrivateKeyAccount,
  { paid = false, deposited = false } = {},
): Promise<Belongings> {
  const wallet = owner.address.toLowerCase();
  const [jobId, tokenId, providerId] = [newJobId(), randomUUID(), `prov-${randomUUID().slice(0, 8)}`];
  const sessionId = await putSession(pool, wallet);
  await withTransaction(pool, async (tx) => {
    const [createdAt, expiresAt] = [new Date(), new Date(Date.now() + 3_600_000)];
    const token = { id: tokenId, sessionId, scopes: ['jobs:read'], createdAt, expiresAt, sha256: randomBytes(32) };
    await insertToken(tx, token, 1);
    await insertJob(tx, {
      ...testOrder({ jobId, wallet, maxPricePerHour: 0 }),
      sessionId,
      requestSha256: '',
      sshPublicKeys: [],
      env: { TOKEN: 'of-the-owner' },
      reservedAmount: 0n,
    });
    await reserveSpend(tx, { jobId, sessionId, amount: 0n });
  });
  await pool.query(
    `update jobs set status = 'running', started_at = now(), ssh_host = '198.18.0.1', ssh_port = 30000,
            ssh_host_key = 'ssh-ed25519 AAAA' where job_id = $1`,
    [jobId],
  );
  if (deposited) await depositInTable(pool, wallet, 1_000n);
  const paidJobId = paid ? await putPaid(pool, { wallet, sessionId, providerId }) : randomUUID();
  const sshKeyId = randomUUID();
  const [name, publicKey] = [sshKeyId, `ssh-ed25519 ${randomBytes(51).toString('base64')}`];
  await insertSshKey(pool, wallet, { keyId: sshKeyId, name, publicKey, fingerprint: `SHA256:${sshKeyId}` });
  await putProvider(pool, { providerId });
  await recordOwner(pool, providerId, wallet);
  await withTransaction(pool, (tx) =>
    changeOwnerPrices(tx, providerId, { prices: () => ({ cpu: 0 }), by: wallet }, withoutPrices),
  );
  await setBlock(pool, { kind: 'image', value: blockedImage({ providerId }), reason: 'it mines', blockedBy: wallet });
  const receiptDigest = await putReceipt(pool, { wallet, jobId, payee: wallet, providerId });
  return { wallet: owner, sessionId, tokenId, jobId, paidJobId, providerId, sshKeyId, receiptDigest };
}

/** A job that has ended and was charged, and earnings of the same wallet. @returns the id of the job. */
async function putPaid(pool: Pool, of: { wallet: string; sessionId: string; providerId: string }): Promise<string> {
  const [startedAt, endedAt] = [new Date(Date.now() - 7_200_000), new Date(Date.now() - 3_600_000)];
  const { jobId } = await putBilledJob(pool, { ...of, startedAt, endedAt, rate: 1_000n });
  await withTransaction(pool, (tx) =>
    postEntry(tx, {
      ...{ key: `adjust/${jobId}`, kind: 'adjust' },
      lines: [
        { kind: 'manual', owner: '', amount: -1_000n },
        { kind: 'provider', owner: of.wallet, amount: 1_000n },
      ],
    }),
  );
  return jobId;
}

/** Everything in the database about some belongings, as text to compare. */
export async function written(
  pool: Pool,
  { wallet, sessionId, jobId, providerId, sshKeyId }: Belongings,
): Promise<string> {
  const tables = [
    ['select * from jobs where job_id = $1', jobId],
    ['select * from auth_charges where job_id = $1', jobId],
    [`select to_jsonb(s) - 'last_used_at' from auth_sessions s where id = $1`, sessionId],
    ['select * from auth_tokens where session_id = $1', sessionId],
    ['select * from providers where provider_id = $1', providerId],
    ['select * from provider_resources where provider_id = $1', providerId],
    ['select * from provider_identities where provider_id = $1', providerId],
    ['select * from ssh_keys where key_id = $1', sshKeyId],
    ['select * from spending_caps where wallet = $1', wallet.address.toLowerCase()],
    ['select * from provider_prices where provider_id = $1', providerId],
  ] as const;
  const rows = await Promise.all(tables.map(async ([sql, id]) => (await pool.query(sql, [id])).rows as unknown[]));
  return JSON.stringify(rows);
}

/** The environment of a site on which one wallet may have much, and this operator everything. */
export const roomyFor = (operator: { address: string }): Record<string, string> => ({
  ADMIN_WALLETS: operator.address,
  PROVIDER_AUTH_MODE: 'permissive',
  MINING_IMAGE_ALLOWLIST: 'docker.io/miners/*',
  AUTH_MAX_SESSIONS: '1000',
  MAX_JOBS_PER_WALLET: '1000',
});

/** Logs in once for each wallet and set of scopes. */
export function loginsAt(api: () => Api): (account: PrivateKeyAccount, scopes: readonly Scope[]) => Promise<Session> {
  const sessions = new Map<string, Promise<Session>>();
  return (account, scopes) => {
    const key = `${account.address} ${[...scopes].sort().join(' ')}`;
    const session = sessions.get(key) ?? api().login({ account, scopes, spendLimit: 10n ** 30n });
    sessions.set(key, session);
    return session;
  };
}

/** Commands to workflows that always succeed, and record the ids they were called for. */
export function takingCommands(asked: string[]): Required<NonNullable<ApiOptions['commands']>> {
  const note = <T>(id: string, answer: T): Promise<T> => {
    asked.push(id);
    return Promise.resolve(answer);
  };
  const jobs: JobCommands = {
    startAndWait: ({ jobId }) => note(jobId, 'still_starting' as const),
    cancel: (jobId) => note(jobId, 'still_ending' as const),
    extend: (jobId) => note(jobId, { expiresAt: new Date().toISOString() }),
  };
  return {
    jobs,
    providers: { order: (providerId) => note(providerId, undefined) },
    vault: { signWithdrawal: (id) => note(id, undefined) },
    announceRegistration: (providerId) => note(providerId, undefined),
    announceMining: (providerId) => note(providerId, true),
    announcePlacement: (providerId) => note(providerId, true),
    announceKeys: (jobId) => note(jobId, undefined),
    oversight: quietOversight,
  };
}
