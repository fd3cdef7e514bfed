import type { PrivateKeyAccount } from 'viem/accounts';
import { createReplySigner } from '../../src/auth/broker-key.js';
import { setBlock } from '../../src/db/blocks.js';
import { newJobId } from '../../src/api/job-id.js';
import { receiptOfJob } from '../../src/db/receipt-reads.js';
import { postEntry } from '../../src/db/ledger.js';
import { withTransaction } from '../../src/db/pool.js';
import { publishReply } from '../../src/redis/join-answers/join-answers.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { chainEnv, depositInTable, putSettlement, putVault, signingWorkers } from '../support/chain-site.js';
import { putBilledJob } from '../support/billed-jobs.js';
import { freshDatabase } from '../support/database.js';
import { putProvider, recordOwner } from '../support/fleet.js';
import { bindNodeKey, httpsProvider } from '../support/https-providers.js';
import { beginLogin, finishLogin, sendSigned, type HeldSession } from '../support/login.js';
import { putReceipt, rentals } from '../support/receipts.js';
import { freshRedis } from '../support/redis.js';
import { roomySettings, silentAnnouncements } from '../support/tried-api.js';
import { anyMachine } from '../support/asked-machine.js';
import { recordedCommands } from './recorded-commands.js';
import { scopes as everyScope, type Scope } from '../../src/wire/scopes.js';

/** Somebody with a session, its key, and a token of it. */
export interface Person extends HeldSession {
  token: string;
}

/** The callers, and what they have. Their keys differ from run to run, which does not matter. */
export type People = Awaited<ReturnType<typeof startPeople>>;

const gpus = { model: 'NVIDIA GeForce RTX 4090', count: 64 };
const mostSpent = String(10n ** 40n);

/** An API on a separate database and Redis, with a customer, an owner of providers and an operator. */
export async function startPeople() {
  const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const { pool } = database;
  const operatorWallet = newWallet();
  const env = { ...roomySettings(operatorWallet), AUTH_MAX_TOKENS: '1000', ...chainEnv };
  const commands = { ...recordedCommands(pool), ...silentAnnouncements, vault: signingWorkers(() => pool) };
  await putVault(pool);
  await putSettlement(pool, 1);
  const api = await startApi({ database, redis, env, commands, askUse: anyMachine });

  const login = async (wallet: PrivateKeyAccount, scopes: readonly Scope[]): Promise<HeldSession> => {
    const underWay = await beginLogin(api, { wallet, body: { scopes, spend_limit: mostSpent } });
    const { json } = await finishLogin(api, underWay);
    return { wallet, key: underWay.key, id: json.session_id as string };
  };
  const person = async (scopes: readonly Scope[], wallet = newWallet()): Promise<Person> => {
    const session = await login(wallet, scopes);
    return { ...session, token: (await mintToken(api, session)).token };
  };
  const [customer, owner, operator] = [
    await person(['jobs:read', 'jobs:write']),
    await person(['providers:read', 'providers:write']),
    await person(everyScope, operatorWallet),
  ];

  // They pay in advance.
  for (const { wallet } of [customer, operator]) await depositInTable(pool, wallet.address, 10n ** 22n);

  let count = 0;
  /** A provider in service that belongs to the owner or to a stranger. */
  const newProvider = async (wallet?: PrivateKeyAccount): Promise<string> => {
    const providerId = `prov-${++count}`;
    await putProvider(pool, { providerId, gpus });
    if (wallet !== undefined) await recordOwner(pool, providerId, wallet.address.toLowerCase());
    return providerId;
  };
  /** An image that is blocked. */
  const newBlock = async (): Promise<string> => {
    const value = `docker.io/evil/miner-${++count}`;
    await setBlock(pool, { kind: 'image', value, reason: 'it mines', blockedBy: operatorWallet.address });
    return value;
  };
  // A job of the customer that has ended, and another one, so that the list has pages.
  const rented = rentals(pool);
  const ended = async () => {
    const { id, wallet } = customer;
    const job = await rented.running(id, wallet.address.toLowerCase(), { servedMs: 1_000 });
    await rented.end(job);
    return job.jobId;
  };
  /** A job that has ended and was charged, and earnings of the owner to be paid out. */
  const newCharge = async (): Promise<string> => {
    const wallet = customer.wallet.address.toLowerCase();
    const [startedAt, endedAt] = [new Date(Date.now() - 7_200_000), new Date()];
    const job = { wallet, sessionId: customer.id, providerId: 'atlas', startedAt, endedAt, rate: 10n ** 6n };
    const { jobId } = await putBilledJob(pool, job);
    await withTransaction(pool, (tx) =>
      postEntry(tx, {
        ...{ key: `adjust/${jobId}`, kind: 'adjust' },
        lines: [
          { kind: 'manual', owner: '', amount: -1_000n },
          { kind: 'provider', owner: owner.wallet.address.toLowerCase(), amount: 1_000n },
        ],
      }),
    );
    return jobId;
  };
  const ownProviders = [await newProvider(owner.wallet), await newProvider(owner.wallet)];
  const otherProviders = [await newProvider(), await newProvider(), await newProvider()];

  await ended();
  const jobId = await ended();
  const receipt = { jobId, digest: (await receiptOfJob(pool, customer.wallet.address.toLowerCase(), jobId))!.digest };
  const earnedReceipt = await putReceipt(pool, {
    ...{ wallet: newWallet().address, jobId: newJobId(), payee: owner.wallet.address },
    providerId: ownProviders[0]!,
  });

  // A machine that uses HTTPS, with a known node key and a waiting answer.
  const machine = httpsProvider();
  await bindNodeKey(pool, machine);
  const sign = createReplySigner({ pool, config: api.config });
  const rejected = { success: false, status: 'rejected', message: 'not today' };
  const replyId = await publishReply(redis.redis, machine.providerId, rejected, { sign });

  return {
    ...{
      api,
      customer,
      owner,
      operator,
      ownProviders,
      otherProviders,
      receipt,
      earnedReceipt,
      machine,
      replyId,
      newProvider,
      newBlock,
    },
    newCharge,
    newToken: async (of: HeldSession) => (await mintToken(api, of)).token_id,
    async newSshKey({ key }: HeldSession, publicKey: string): Promise<string> {
      const body = { public_key: publicKey };
      const { json } = await sendSigned({ by: key, at: api, method: 'POST', target: '/api/v1/ssh-keys', body });
      return json.key_id as string;
    },
    /** The id of a quote for this order; none if nobody takes it. */
    async newQuote({ key }: HeldSession, body: object): Promise<string | undefined> {
      const { json } = await sendSigned({ by: key, at: api, method: 'POST', target: '/api/v1/quotes', body });
      return (json.quote_id as string | null) ?? undefined;
    },
    newSession: login,
    /** A session of a new wallet that has deposited 100 tokens. */
    async newDepositor(): Promise<HeldSession> {
      const wallet = newWallet();
      await depositInTable(pool, wallet.address, 100n);
      return await login(wallet, ['billing:write', 'jobs:read']);
    },
    async stop() {
      await api.stop();
      await Promise.all([database.close(), redis.close()]);
    },
  };
}

async function mintToken(api: Api, { key }: HeldSession): Promise<{ token: string; token_id: string }> {
  const { json } = await sendSigned({ by: key, at: api, method: 'POST', target: '/api/v1/auth/tokens', body: {} });
  return json as { token: string; token_id: string };
}
