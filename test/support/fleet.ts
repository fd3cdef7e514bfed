import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { insertSession, lockWallet } from '../../src/db/auth-sessions.js';
import { withTransaction } from '../../src/db/pool.js';
import { recordNode, recordRegistrations, setProviderStatus, type RegisteredProvider } from '../../src/db/providers.js';
import type { JobOrder } from '../../src/domain/job.js';
import { offerOf, registrationSchema } from '../../src/domain/registration.js';

export interface TestProvider {
  providerId: string;
  gpus?: { model: string; count: number };
  gpuPrice?: number;
  /** Further fields of its capacity, by the names that providers send. */
  capacity?: object;
  /** The uid of its node; by default of a node that does not exist. */
  nodeUid?: string;
  /** Further fields of its machine, by the names that providers send. */
  spec?: object;
  cpuCores?: number;
  memoryMb?: number;
  diskGb?: number;
  /** The GPUs that the cluster counts; by default all that are offered. */
  counted?: number;
  /** How many pods its node takes; by default a kubelet's own default. */
  pods?: number;
  /** The counts by resource, if they are not all `nvidia.com/gpu`. */
  gpuResources?: Record<string, number>;
}

/** The GPUs that the cluster counts. */
export function countedGpus({ gpus = { model: '', count: 8 }, counted, gpuResources }: Partial<TestProvider>) {
  if (gpuResources === undefined) return { gpus: counted ?? gpus.count };
  return { gpus: Object.values(gpuResources).reduce((sum, count) => sum + count, 0), gpuResources };
}

/** What such a provider registered with. */
export function registrationOf(provider: TestProvider): RegisteredProvider {
  const { providerId, gpus = { model: 'NVIDIA GeForce RTX 4090', count: 8 } } = provider;
  const { cpuCores, memoryMb, storageGb } = sizesOf(provider);
  const registration = registrationSchema.parse({
    provider_id: providerId,
    wallet_addr: `0x${'9'.repeat(40)}`,
    spec: {
      hostname: providerId,
      gpus: Array.from({ length: gpus.count }, (_, index) => ({ index, name: gpus.model })),
      total_gpus: gpus.count,
      total_disk_gb: storageGb,
      available_disk_gb: storageGb,
      ...provider.spec,
    },
    capacity: {
      gpu_count: gpus.count,
      cpu_cores: cpuCores,
      memory_mb: memoryMb,
      gpu_price_per_hour: provider.gpuPrice ?? 0.5,
      ...provider.capacity,
    },
  });
  return {
    providerId,
    wallet: registration.walletAddr!,
    walletVerified: true,
    spec: registration.spec,
    capacity: registration.capacity,
    offer: offerOf(registration),
    miningConfig: null,
    agentVersion: null,
    publicIp: null,
    receivedAt: new Date(),
  };
}

const sizesOf = ({ cpuCores = 1_000, memoryMb = 1_000_000, diskGb: storageGb = 10_000 }: TestProvider) => ({
  ...{ cpuCores, memoryMb, storageGb },
});

/** Adds a provider in service, as onboarding leaves it: registered, with a node that the cluster counts. */
export async function putProvider(pool: Pool, provider: TestProvider): Promise<void> {
  const { providerId } = provider;
  await recordRegistrations(pool, [registrationOf(provider)]);
  const nodeName = await putNodeName(pool, providerId);
  await recordNode(pool, providerId, {
    nodeName,
    nodeUid: provider.nodeUid ?? randomUUID(),
    ready: true,
    allocatable: { ...countedGpus(provider), ...sizesOf(provider), pods: provider.pods ?? 110 },
  });
  await setProviderStatus(pool, providerId, 'available', '');
}

/**
 * Names a provider's node as its admission does: by its bare id, for tests that read a node by that name, and as if its
 * machine had the certificate for it.
 */
async function putNodeName(pool: Pool, providerId: string, nodeName = providerId): Promise<string> {
  await pool.query(
    `insert into provider_nodes (node_name, provider_id, generation, certified_at) values ($2, $1, 1, now())
     on conflict do nothing`,
    [providerId, nodeName],
  );
  await pool.query('update providers set node_name = $2 where provider_id = $1', [providerId, nodeName]);
  return nodeName;
}

export const testWallet = `0x${'a'.repeat(40)}`;

/** An order for one GPU of any type, and little else. */
export function testOrder(order: Partial<JobOrder> = {}): JobOrder {
  return {
    jobId: randomUUID(),
    wallet: testWallet,
    gpuCount: 1,
    cpuCores: 1,
    memoryMb: 1_024,
    storageGb: 1,
    image: 'docker.io/library/debian:12',
    durationSeconds: 3_600,
    ...order,
  };
}

/** Adds a session of a wallet with an unlimited spend limit; returns its id. */
export async function putSession(pool: Pool, wallet: string): Promise<string> {
  const id = randomUUID();
  await withTransaction(pool, async (tx) => {
    await lockWallet(tx, wallet);
    await insertSession(tx, {
      id,
      wallet,
      sessionKey: `0x${randomBytes(20).toString('hex')}`,
      chainId: 1,
      walletKind: 'eoa',
      scopes: ['jobs:read', 'jobs:write'],
      spendLimit: 10n ** 30n,
      delegation: {},
      signature: '0x',
      createdAt: new Date(),
      expiresAt: new Date(Date.now() + 86_400_000),
    });
  });
  return id;
}

/** Makes a wallet the owner of a provider, as a registration that names the wallet does. */
export async function recordOwner(pool: Pool, providerId: string, wallet: string): Promise<void> {
  await pool.query('update providers set wallet_addr = $2 where provider_id = $1', [providerId, wallet]);
}
