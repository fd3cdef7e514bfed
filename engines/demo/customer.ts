import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { connect, memoryStore, type WorldLand } from '../../src/client/index.js';
import { login } from '../../src/client/session.js';
import type { DemoWallet } from './keys.js';

/** GPUs by provider and type, as `GET /api/v1/providers/gpu-availability` returns them. */
export interface Availability {
  provider_id: string;
  gpu_type: string;
  total_gpus: number;
  available_gpus: number;
  can_create_job: boolean;
  price_per_hour: number;
}

/** The fields of a job reply that the demo uses. */
export interface JobReply {
  job_id: string;
  provider_id: string;
  status: string;
  gpu_model: string;
  price_per_hour: number | string;
  expires_at: string;
  ssh_command: string;
  /** A line for `known_hosts`. */
  known_hosts?: string;
  image: string;
  image_digest?: string;
}

/** A customer with a wallet of its own, logged in by a signed delegation to a session key. */
export interface Customer {
  wallet: string;
  availability(): Promise<Availability[]>;
  rent(order: { gpu_type: string; gpu_count: number; duration_hours: number }): Promise<JobReply>;
  job(jobId: string): Promise<JobReply>;
  extend(jobId: string, hours: number): Promise<JobReply>;
  cancel(jobId: string): Promise<JobReply>;
  /** All that the wallet has in the broker's ledger, in base units. */
  balance(): Promise<bigint>;
  /** The last block whose deposits are booked, on a site with a chain. */
  readBlock(): Promise<number | null>;
}

const hundredTokens = 100n * 10n ** 18n;
/** Keeps well below the read limit of a wallet. */
const pollMs = 500;
/** After a restart, the cluster may take machines for silent until they are heard again, and places nothing there. */
const patienceMs = 180_000;

/** Logs a wallet in; a new one, unless told otherwise. Uses the API as any client would. */
export async function createCustomer(
  api: string,
  account: PrivateKeyAccount = privateKeyToAccount(generatePrivateKey()),
): Promise<Customer> {
  const session = await login({
    api,
    account,
    scopes: ['jobs:read', 'jobs:write', 'providers:read'],
    spendLimit: hundredTokens,
  });
  const call = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<T> => {
    const reply = await session.request(method, path, body, headers);
    if (reply.status < 300) return reply.body as T;
    const problem = reply.body as { code?: string; detail?: string } | undefined;
    throw new Error(`${method} ${path} answered ${reply.status} ${problem?.code ?? ''}: ${problem?.detail ?? ''}`);
  };
  const job = (jobId: string) => call<JobReply>('GET', `/api/v1/jobs/${jobId}`);
  /** Polls the job when the broker answers before it is done (202). */
  const until = async (reply: JobReply, done: (status: string) => boolean): Promise<JobReply> => {
    let now = reply;
    for (const deadline = Date.now() + patienceMs; !done(now.status); now = await job(reply.job_id)) {
      if (Date.now() > deadline) throw new Error(`the job is still ${now.status} after three minutes`);
      await sleep(pollMs);
    }
    return now;
  };
  const ended = (status: string) => ['cancelled', 'failed', 'expired'].includes(status);

  return {
    wallet: account.address,
    async availability() {
      const body = await call<Availability[] | Record<string, unknown>>('GET', '/api/v1/providers/gpu-availability');
      return Array.isArray(body)
        ? body
        : ((Object.values(body).find(Array.isArray) as Availability[] | undefined) ?? []);
    },
    async rent(order) {
      const body = {
        ...order,
        job_name: 'demo',
        cpu_cores: 4,
        memory_gb: 16,
        storage_gb: 20,
        ssh_public_keys: [newSshPublicKey()],
      };
      const reply = await call<JobReply>('POST', '/api/v1/jobs', body, { 'idempotency-key': randomUUID() });
      const now = await until(reply, (status) => status === 'running' || ended(status));
      if (now.status !== 'running') throw new Error(`the job is ${now.status}`);
      return now;
    },
    job,
    extend: (jobId, hours) =>
      call('POST', `/api/v1/jobs/${jobId}/extend`, { additional_hours: hours }, { 'idempotency-key': randomUUID() }),
    async cancel(jobId) {
      const reply = await call<JobReply | undefined>('DELETE', `/api/v1/jobs/${jobId}`);
      return until(reply?.job_id === undefined ? await job(jobId) : reply, ended);
    },
    async balance() {
      const { available, reserved, owed } = await call<Record<'available' | 'reserved' | 'owed', string>>(
        'GET',
        '/api/v1/billing/balance',
      );
      return BigInt(available) + BigInt(reserved) - BigInt(owed);
    },
    readBlock: async () => (await call<{ read_block: number | null }>('GET', '/api/v1/billing/deposits')).read_block,
  };
}

/** Logs a wallet of the demo in, by the client that everybody uses. */
export async function logIn(site: { api: string; audience: string }, { account }: DemoWallet): Promise<WorldLand> {
  const client = connect({ ...site, store: memoryStore() });
  await client.login({ wallet: account, spendLimit: hundredTokens, label: 'demo' });
  return client;
}

/** A new key as an `authorized_keys` line. The private key is discarded, since nobody logs in here. */
export function newSshPublicKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} demo`;
}
