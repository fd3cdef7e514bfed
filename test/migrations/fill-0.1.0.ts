import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import { kept } from './kept.js';

// What the code of 0.1.0 exports has no types here: it comes from a folder that is made when this runs.

const { customer, owner, session, jobs, providers } = kept;
const day = 86_400_000;
const token = 10n ** 18n;
const hex = (digit: string, length: number) => `0x${digit.repeat(length)}`;

/**
 * Migrates an empty database with the code in `sources` and has it write what a site has after a while. What only follows
 * from signatures is written as rows.
 */
export async function fill(pool: pg.Pool, config: object, sources: string): Promise<void> {
  const from = (file: string) => import(pathToFileURL(join(sources, file)).href);
  const { migrate } = await from('src/db/migrate.ts');
  await migrate(config);
  await fillSessions(pool, from);
  await fillProviders(pool, from);
  await fillJobs(pool, from);
  await fillRest(pool);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type From = (file: string) => Promise<any>;

async function fillSessions(pool: pg.Pool, from: From): Promise<void> {
  const { insertSession, lockWallet, revokeSession, insertRevocation } = await from('src/db/auth-sessions.ts');
  const now = new Date();
  await lockWallet(pool, customer);
  await lockWallet(pool, owner);
  const common = {
    wallet: customer,
    chainId: 1,
    walletKind: 'eoa',
    scopes: ['jobs:read', 'jobs:write'],
    delegation: { wallet: customer, scopes: 'jobs:read jobs:write' },
    signature: hex('c', 130),
    createdAt: now,
  };
  await insertSession(pool, {
    ...common,
    id: session,
    sessionKey: hex('1', 40),
    spendLimit: 1_000n * token,
    label: 'laptop',
    // Nobody's test begins to fail because time goes by.
    expiresAt: new Date(now.getTime() + 36_500 * day),
    createdIp: '198.51.100.7',
    userAgent: 'curl/8',
  });
  const revoked = '00000000-0000-4000-8000-000000000002';
  await insertSession(pool, {
    ...common,
    id: revoked,
    sessionKey: hex('2', 40),
    spendLimit: 5n * token,
    expiresAt: new Date(now.getTime() + day),
  });
  await revokeSession(pool, customer, revoked, now);
  await insertSession(pool, {
    ...common,
    id: '00000000-0000-4000-8000-000000000003',
    wallet: owner,
    sessionKey: hex('3', 40),
    spendLimit: 0n,
    expiresAt: new Date(now.getTime() + day),
  });
  await insertRevocation(pool, {
    wallet: customer,
    nonce: hex('4', 64),
    sessionKey: hex('2', 40),
    signature: hex('d', 130),
    now,
  });
}

async function fillProviders(pool: pg.Pool, from: From): Promise<void> {
  const { registrationSchema, offerOf } = await from('src/domain/registration.ts');
  const { recordRegistration, recordNode, setProviderStatus } = await from('src/db/providers.ts');
  const { cordon, drain, retire } = await from('src/db/provider-operations.ts');
  const { recordHeartbeats } = await from('src/db/heartbeats.ts');
  const { recordMiningPlan, recordMinerCounts, setMiningWanted } = await from('src/db/mining.ts');
  const { reserveJoinToken, markTokenUsed, markTokenDeleted } = await from('src/db/join-tokens.ts');
  const { storeRegistration } = await from('src/db/registrations.ts');
  const models: Record<string, string[]> = {
    [providers.mixed]: [...Array(4).fill('NVIDIA A100-SXM4-80GB'), ...Array(4).fill('NVIDIA GeForce RTX 3090')],
  };
  for (const [index, providerId] of Object.values(providers).entries()) {
    const gpus = models[providerId] ?? (Array(8).fill('NVIDIA GeForce RTX 4090') as string[]);
    const message = {
      provider_id: providerId,
      wallet_addr: owner,
      spec: {
        hostname: `${providerId}.example.org`,
        architecture: 'x86_64',
        cpu_cores: 64,
        total_memory_mb: 262_144,
        gpus: gpus.map((name, at) => ({ index: at, name, memory_mb: 24_564, cuda_version: '12.4', uuid: `GPU-${at}` })),
        total_gpus: gpus.length,
        total_disk_gb: 2_000,
        available_disk_gb: 2_000,
      },
      capacity: {
        gpu_count: gpus.length,
        cpu_cores: 64,
        memory_mb: 262_144,
        gpu_price_per_hour: 0.4,
        cpu_price_per_hour: 0.013,
        memory_price_per_gb_hr: 0.0021,
        ...(providerId === providers.serves ? { available_until: '2199-01-01T00:00:00Z' } : {}),
      },
      mining_config: { image: 'docker.io/miners/one:1', gpu_count: 2, env_vars: { POOL: 'one' } },
      agent_version: '1.2.3',
    };
    const registration = registrationSchema.parse(message);
    const receivedAt = new Date(Date.now() - 60_000 + index);
    const messageId = `provider:registration/${receivedAt.getTime()}-0/${providerId}`;
    await storeRegistration(pool, {
      messageId,
      providerId,
      registration,
      wallet: owner,
      signed: index % 2 === 0,
      receivedAt,
    });
    await recordRegistration(pool, {
      ...{ providerId, wallet: owner, walletVerified: index % 2 === 0, nodeName: providerId },
      ...{ spec: registration.spec, capacity: registration.capacity, offer: offerOf(registration) },
      ...{
        miningConfig: registration.miningConfig ?? null,
        agentVersion: '1.2.3',
        publicIp: '198.51.100.9',
        receivedAt,
      },
    });
    if (providerId === providers.pending) continue;
    const { tokenId } = await reserveJoinToken(pool, { providerId, messageId, nodeName: providerId, ttlS: 3_600 });
    await setProviderStatus(pool, providerId, 'approved', '');
    if (providerId === providers.approved) continue;
    await markTokenUsed(pool, tokenId);
    await markTokenDeleted(pool, tokenId);
    const allocatable = { gpus: gpus.length, cpuCores: 64, memoryMb: 262_144, storageGb: 2_000 };
    await recordNode(pool, providerId, {
      nodeName: providerId,
      nodeUid: `uid-of-${providerId}`,
      ready: true,
      allocatable,
    });
    await setProviderStatus(pool, providerId, 'available', '');
    await recordMiningPlan(pool, providerId, 2, '');
  }
  const telemetry = {
    status: 'available',
    node_name: 'serves',
    gpu_usage: [7],
    cpu_usage: 3,
    memory_usage: 9,
    active_jobs: 1,
  };
  await recordHeartbeats(pool, [{ providerId: providers.serves, atMs: Date.now(), telemetry }]);
  await recordMinerCounts(pool, [{ providerId: providers.serves, running: 1, waiting: 1, failing: 0 }]);
  await setMiningWanted(pool, providers.mixed, false);
  await retire(pool, providers.retired);
  await setProviderStatus(pool, providers.offline, 'offline', 'its agent is silent');
  await cordon(pool, providers.drains);
  await drain(pool, providers.drains, { until: new Date('2199-01-01T00:00:00Z'), retire: true });
}

async function fillJobs(pool: pg.Pool, from: From): Promise<void> {
  const { insertJob, markProvisioning, markRunning, markEnding, markEnded } = await from('src/db/jobs.ts');
  const { allocate, placementCandidates, release } = await from('src/db/allocations.ts');
  const { reserveSpend, reserveExtension, settleSpend } = await from('src/billing/spend.ts');
  const { withTransaction } = await from('src/db/pool.ts');
  const startedAt = new Date(Date.now() - 600_000);
  const expiresAt = new Date(startedAt.getTime() + 36_500 * day);

  const ordered = async (jobId: string, more: object = {}) => {
    const order = {
      ...{ jobId, wallet: customer, gpuCount: 1, cpuCores: 4, memoryMb: 16_384, storageGb: 20 },
      ...{ image: 'docker.io/library/debian:12', durationSeconds: 3_600, maxPricePerHour: 2, ...more },
    };
    await withTransaction(pool, async (tx: unknown) => {
      await insertJob(tx, {
        ...order,
        ...{
          sessionId: session,
          requestSha256: `sha-of-${jobId}`,
          idempotencyKey: `key-of-${jobId}`,
          jobName: 'training',
        },
        ...{ sshPublicKeys: ['ssh-ed25519 AAAA customer'], env: { SECRET: 'value' }, reservedAmount: 2n * token },
      });
      await reserveSpend(tx, { jobId, sessionId: session, amount: 2n * token });
    });
    return order;
  };
  const placed = async (jobId: string, providerId: string, more: object = {}) => {
    const order = await ordered(jobId, { providerId, ...more });
    const [place] = await placementCandidates(pool, order, 1);
    if ((await allocate(pool, order, place)) !== 'allocated') throw new Error(`${jobId} was not placed`);
    await markProvisioning(pool, jobId, place);
  };
  const runs = async (jobId: string, providerId: string, more: object = {}) => {
    await placed(jobId, providerId, more);
    const ssh = { host: '198.51.100.9', port: 30_022, user: 'root', hostKey: 'ssh-ed25519 AAAAhost' };
    await markRunning(pool, jobId, { ssh, podUid: `pod-of-${jobId}`, startedAt, expiresAt });
  };
  const ended = async (jobId: string, outcome: object) =>
    await withTransaction(pool, async (tx: unknown) => {
      await release(tx, jobId);
      await settleSpend(tx, { jobId, servedUntil: new Date(startedAt.getTime() + 300_000) });
      await markEnded(tx, jobId, outcome);
    });

  await runs(jobs.running, providers.serves, { gpuType: 'rtx-4090' });
  await withTransaction(pool, (tx: unknown) =>
    reserveExtension(tx, { jobId: jobs.running, requestId: 'longer', seconds: 3_600, pricePerHour: 0.4856 }),
  );
  await runs(jobs.runningWithoutHostKey, providers.mixed, { gpuCount: 2 });
  await pool.query('update jobs set ssh_host_key = null where job_id = $1', [jobs.runningWithoutHostKey]);
  await placed(jobs.provisioning, providers.serves, { gpuCount: 0 });
  await ordered(jobs.pending);
  await runs(jobs.ending, providers.serves);
  await markEnding(pool, jobs.ending, 'cancelled by its owner');
  await runs(jobs.completed, providers.serves);
  await ended(jobs.completed, { status: 'completed', message: 'its program ended' });
  await placed(jobs.failed, providers.serves);
  const message = 'the image cannot be pulled';
  await ended(jobs.failed, { status: 'failed', message, failure: { reason: 'image_pull_failed', message } });
  await ordered(jobs.cancelledBeforeItsPlacement);
  await ended(jobs.cancelledBeforeItsPlacement, { status: 'cancelled', message: 'cancelled by its owner' });
}

async function fillRest(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into auth_tokens (token_sha256, id, session_id, scopes, created_at, expires_at)
     values (sha256('token'), gen_random_uuid(), $1, '{jobs:read}', now(), now() + interval '100 years')`,
    [session],
  );
  await pool.query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                      issued_at, expires_at, registration_seq, registration_entry, signed_at, bound_at)
     values ($1, $2, $3, '{"providerId": "serves"}', $4, 1, $5, now(), now() + interval '100 years', 7, '1-0', now(), now())`,
    [providers.serves, owner, hex('5', 40), hex('e', 130), hex('0', 64)],
  );
  await pool.query('insert into provider_delegations values ($1, $2, $3, now())', [owner, hex('6', 64), hex('7', 64)]);
  await pool.query('insert into provider_revoked_keys values ($1, $2, now())', [providers.serves, hex('8', 40)]);
  await pool.query(
    `update providers set approved_wallet = wallet_addr, approved_by = $2, approved_at = now() where provider_id = $1`,
    [providers.approved, owner],
  );
  // A broker makes its row when it starts for the first time.
  await pool.query('insert into installation default values on conflict do nothing');
}
