import { randomBytes } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { revocationTypedData, type SessionRevocation } from '../../src/wire/session-typed-data.js';
import { spendPermitTypedData } from '../../src/wire/vault-typed-data.js';
import { audience, newWallet } from '../support/api.js';
import { httpsProvider } from '../support/https-providers.js';
import { tableVault } from '../support/chain-site.js';
import { beginLogin, signDelegation } from '../support/login.js';
import type { Random } from '../support/random.js';
import { ed25519Key } from '../support/ssh-key.js';
import type { Operation } from './description.js';
import type { People, Person } from './people.js';
import { canonicalRequest, signatureHeaders } from '../../src/wire/request-signature.js';

/** Adds the credential of a request last, over what is really sent. */
export type Sign = (method: string, target: string, text: string) => Promise<Record<string, string>>;

/** A valid request. */
export interface GoodRequest {
  /** The value of `{id}` in the path. */
  id?: string;
  /** The values of other parts of the path, by name. */
  parts?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Replaces the signature or token of the permitted caller. */
  sign?: Sign;
  /** The same body with other data and a new signature, if the signature is in the body. */
  signedAnew?: (change: (good: unknown) => string) => Promise<unknown>;
}

export const signedBy =
  (key: LocalAccount): Sign =>
  async (method, target, text) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const nonce = randomBytes(16).toString('base64url');
    const request = { method, target, bodyBytes: Buffer.from(text) };
    const message = canonicalRequest(audience, request, { timestamp, nonce });
    return {
      [signatureHeaders.key]: key.address,
      [signatureHeaders.timestamp]: timestamp,
      [signatureHeaders.nonce]: nonce,
      [signatureHeaders.signature]: await key.signMessage({ message }),
    };
  };

/** The preconditions that a request may need. */
export interface Chain {
  people: People;
  random: Random;
  /** Orders a job. @returns the id of one of the running jobs. */
  runningJob(): Promise<string>;
  /** The last ordered job, or an earlier one. */
  someJob(): string | undefined;
}

type Make = (chain: Chain, operation: Operation) => Promise<GoodRequest>;

const ofOwner: Make = async ({ people, random }) => ({ id: random.pick(people.ownProviders) });
const ofAnybody: Make = async ({ people, random }) => ({
  id: random.pick([...people.ownProviders, ...people.otherProviders]),
});
const drained: Make = async (chain, operation) => ({
  ...(await ofOwner(chain, operation)),
  ...(chain.random.next() < 0.5 ? {} : { body: { deadline_s: chain.random.whole(0, 86_400) } }),
});
const aSomeJob: Make = async ({ someJob, runningJob }) => ({ id: someJob() ?? (await runningJob()) });
const jobToEnd: Make = async ({ runningJob }) => ({ id: await runningJob(), headers: { prefer: 'wait=1' } });
const newProviderOfOwner: Make = async ({ people }) => ({ id: await people.newProvider(people.owner.wallet) });

const aProgram = {
  ...{ command: ['python', 'train.py'], args: ['--epochs', '3'], workdir: '/workspace' },
  ...{ restart: 'on_failure', end_with_command: true },
};

const aBlock: Make = async ({ people }) => ({ parts: { kind: 'image', value: await people.newBlock() } });
/** What changes the books is asked for under a key of its own. */
const onceOnly = () => ({ 'idempotency-key': randomBytes(8).toString('hex') });
/** One of a few keys, so that some are sent twice. */
const someKey = (random: Random) => ed25519Key(Buffer.alloc(32, random.whole(1, 20)));

const ofNewCustomer = async (people: People): Promise<Sign> =>
  signedBy((await people.newSession(newWallet(), ['billing:write', 'jobs:write'])).key);

/** Requests that the description alone cannot express, by operationId. */
export const goodRequests: Readonly<Record<string, Make>> = {
  async 'post-jobs'({ people, random }, { example }) {
    const order = {
      ...{ ...(example as object), gpu_count: random.whole(0, 1), gpu_type: undefined, memory_gb: 1, cpu_cores: 1 },
      ...{ duration_hours: random.whole(1, 24), max_price_per_hour: random.pick([undefined, 100]) },
      provider_id: random.pick([undefined, undefined, random.pick(people.otherProviders)]),
      ...random.pick([{}, {}, aProgram]),
      ...random.pick([{}, {}, { ports: [{ port: 8080 }, { port: 5353, name: 'dns', protocol: 'udp' }] }]),
      ...random.pick([{}, {}, {}, { template: 'cuda', min_cuda: 11 }]),
    };
    const quoteId = random.next() < 0.4 ? await people.newQuote(people.customer, order) : undefined;
    return {
      body: {
        ...order,
        ...(quoteId === undefined ? {} : { quote_id: quoteId }),
        ...(random.next() < 0.3 ? { registry_auth: { username: 'robot', password: 'only for tests' } } : {}),
      },
      headers: {
        prefer: random.pick(['wait=0', 'wait=1', 'respond-async']),
        ...(random.next() < 0.3 ? { 'idempotency-key': `key-${random.whole(1, 3)}` } : {}),
      },
    };
  },
  'get-jobs-by-id': aSomeJob,
  'patch-jobs-by-id': async (chain, operation) => ({
    ...(await aSomeJob(chain, operation)),
    body: { job_name: chain.random.pick(['train', null]) },
  }),
  'get-jobs-by-id-events': aSomeJob,
  'get-jobs-by-id-logs': async (chain, operation) => ({
    ...(await aSomeJob(chain, operation)),
    query: chain.random.pick([{}, { tail: '10' }, { since: '2026-11-01T00:00:00Z' }]),
  }),
  'delete-jobs-by-id': jobToEnd,
  'post-jobs-by-id-extend': async ({ runningJob, random }) => ({
    id: await runningJob(),
    body: { additional_hours: random.whole(1, 12) },
    headers: random.next() < 0.3 ? { 'idempotency-key': `key-${random.whole(1, 3)}` } : {},
  }),

  'post-jobs-by-id-ssh-keys': async ({ runningJob, random }) => ({
    id: await runningJob(),
    body: { public_key: someKey(random) },
  }),

  'get-market-history': async () => ({ query: { gpu: 'RTX 4090', range: '24h' } }),
  'post-quotes': async ({ random }) => ({
    body: {
      gpu_type: 'RTX 4090',
      gpu_count: 1,
      duration_hours: 1,
      valid_seconds: random.pick([undefined, 1, 300]),
      ports: random.pick([undefined, [], [{ port: 80 }, { port: 81 }, { port: 82 }]]),
    },
  }),
  'get-receipts': async ({ random }) => ({ query: random.pick([{}, { limit: '1' }, { from: '2026-01-01' }]) }),
  'get-receipts-by-digest': async ({ people }) => ({ parts: { digest: people.receipt.digest } }),
  'get-me-earnings-receipts': async ({ people, random }) => ({
    query: random.pick([{}, { limit: '1' }, { provider_id: random.pick(people.ownProviders), from: '2026-01-01' }]),
  }),
  'get-me-earnings-receipts-by-digest': async ({ people }) => ({ parts: { digest: people.earnedReceipt } }),
  // Of wallets of their own: a low one would refuse every order of the customer.
  'put-billing-monthly-cap': async ({ people, random }) => ({
    body: { amount: random.pick(['0', '5', String(10n ** 30n)]) },
    sign: await ofNewCustomer(people),
  }),
  'delete-billing-monthly-cap': async ({ people }) => ({ sign: await ofNewCustomer(people) }),
  async 'post-billing-permits'({ people, random }) {
    const { wallet, key } = await people.newDepositor();
    const cumulativeCap = BigInt(random.whole(100, 1_000)) * 10n ** 6n;
    const permit = spendPermitTypedData(tableVault, { customer: wallet.address, cumulativeCap });
    const cap = String(cumulativeCap * tableVault.scale);
    return { body: { cumulative_cap: cap, signature: await wallet.signTypedData(permit) }, sign: signedBy(key) };
  },
  async 'post-billing-withdrawals'({ people, random }) {
    const { key } = await people.newDepositor();
    const amount = String(BigInt(random.whole(1, 99)) * 10n ** 18n);
    return { body: { amount }, headers: onceOnly(), sign: signedBy(key) };
  },
  'get-settlements': async ({ random }) => ({ query: random.pick([{}, { limit: '1' }]) }),
  'get-settlements-by-number': async () => ({ parts: { number: '1' } }),
  'post-admin-settlements-resume': async () => ({ body: { reason: 'it was a test' }, headers: onceOnly() }),
  'get-jobs-by-id-receipt': async ({ people }) => ({ id: people.receipt.jobId }),
  'get-admin-bookings': async () => ({ query: { batch: '1' } }),
  'get-admin-receipts': async ({ people, random }) => ({
    query: random.pick([
      { limit: '1' },
      { batch: '1', from: '2026-01-01' },
      { wallet: people.customer.wallet.address, status: 'pending' },
      { job_id: people.receipt.jobId, from: '2020-01-01', to: '2999-01-01T00:00:00Z', status: 'signed' },
    ]),
  }),
  'post-ssh-keys': async ({ random }) => ({
    body: {
      ...(random.next() < 0.5 ? {} : { name: `key-${random.whole(1, 100)}` }),
      public_key: someKey(random),
    },
  }),
  'delete-ssh-keys-by-id': async ({ people, random }) => ({
    id: await people.newSshKey(people.customer, someKey(random)),
  }),

  'post-auth-challenge': async ({ people }) => ({
    body: { wallet: people.customer.wallet.address, session_key: newWallet().address, scopes: ['jobs:read'] },
  }),
  async 'post-auth-sessions'({ people }) {
    const login = await beginLogin(people.api, { wallet: people.customer.wallet });
    const { message, chainId, key } = login;
    return {
      body: { message, chain_id: chainId, signature: await signDelegation(login), label: 'again' },
      sign: signedBy(key),
    };
  },
  // It revokes all sessions of a wallet, so it uses another wallet than the other requests.
  'delete-auth-sessions': async ({ people }) => ({
    sign: signedBy((await people.newSession(newWallet(), ['jobs:read'])).key),
  }),
  'delete-auth-sessions-by-id': async ({ people }) => ({
    id: (await people.newSession(people.customer.wallet, ['jobs:read'])).id,
  }),
  'post-auth-tokens': async ({ random }) => ({
    body: random.next() < 0.5 ? {} : { scopes: ['jobs:read'], ttl_seconds: 600 },
  }),
  'delete-auth-tokens-by-id': async ({ people }) => ({ id: await people.newToken(people.customer) }),
  async 'post-auth-revoke'({ people }) {
    const { wallet, key } = await people.newSession(newWallet(), ['jobs:read']);
    const lower = (address: string) => address.toLowerCase() as `0x${string}`;
    const message: SessionRevocation = {
      wallet: lower(wallet.address),
      sessionKey: lower(key.address),
      audience,
      issuedAt: Math.floor(Date.now() / 1000),
      nonce: `0x${randomBytes(32).toString('hex')}`,
    };
    return { body: { message, chain_id: 1, signature: await wallet.signTypedData(revocationTypedData(message, 1)) } };
  },

  async 'post-providers-messages'({ people: { machine }, random }) {
    const [provider, body] =
      random.next() < 0.5
        ? [machine, await machine.heartbeat()]
        : await (async (stranger) => [stranger, await stranger.registration()] as const)(httpsProvider());
    return {
      body,
      async signedAnew(change) {
        const data = change(JSON.parse(body['data']!));
        // Data that names no provider cannot be signed for one, so it keeps the old signature.
        const fields = await provider.signData(body.stream, data).catch(() => ({ ...body, data }));
        return { stream: body.stream, ...fields };
      },
    };
  },
  'get-providers-by-id-responses': async ({ people: { machine, replyId }, random }) => ({
    id: machine.providerId,
    query: { after: random.pick(['0', replyId]) },
    sign: (_, target) => machine.signTarget(target),
  }),
  async 'put-providers-by-id-delegation'() {
    const { providerId, left } = httpsProvider();
    return { id: providerId, body: await left() };
  },
  async 'post-providers-by-id-claim'({ people }) {
    const providerId = await people.newProvider(people.owner.wallet);
    const named = { providerId, nodeKey: newWallet().address, audience, chainId: 1 };
    const { reg, regsig } = await authorizeNodeKey(people.owner.wallet, named);
    return { id: providerId, body: { message: JSON.parse(reg) as unknown, signature: regsig } };
  },

  'post-admin-providers-by-id-approve': newProviderOfOwner,
  'post-admin-providers-by-id-forgive': ofAnybody,
  'get-admin-tenants': async ({ people, random }) => ({
    query: random.pick([{ wallet: people.customer.wallet.address }, { namespace: `tenant-${'0'.repeat(40)}` }]),
  }),
  'get-admin-jobs-by-id-failure': aSomeJob,
  'get-admin-jobs': async ({ people, random }) => ({
    query: random.pick([
      {},
      { status: 'active', limit: '5' },
      { wallet: people.customer.wallet.address, status: 'running,cancelled' },
      { provider_id: random.pick(people.otherProviders), older_than_s: '0' },
    ]),
  }),
  'get-admin-jobs-by-id': aSomeJob,
  'delete-admin-jobs-by-id': async (chain, operation) => ({
    ...(await jobToEnd(chain, operation)),
    body: { reason: 'it mines' },
  }),
  'get-admin-dead-letters': async ({ random }) => ({
    query: random.pick([{}, { stream: 'provider:heartbeat' }, { provider_id: 'atlas', limit: '3' }]),
  }),
  'get-billing-entries': async ({ random }) => ({ query: random.pick([{}, { limit: '2' }, { from: '2026-11-01' }]) }),
  'get-billing-statements-by-month': async ({ random }) => ({
    parts: { month: random.pick(['2026-11', '2026-12', '2031-01']) },
  }),
  'get-admin-revenue': async ({ random }) => ({ query: random.pick([{}, { by: 'provider' }, { by: 'gpu_type' }]) }),
  'post-admin-jobs-by-id-refunds': async ({ people, random }) => ({
    id: await people.newCharge(),
    body: { ...random.pick([{ amount: '5' }, { seconds: 60 }]), reason: 'it was slow' },
    headers: onceOnly(),
  }),
  async 'post-admin-payouts'({ people, random }) {
    await people.newCharge();
    const wallet = people.owner.wallet.address;
    return { body: { wallet, amount: String(random.whole(1, 900)), reference: 'transfer 7' }, headers: onceOnly() };
  },
  'post-admin-payments': async ({ people, random }) => ({
    body: { wallet: people.customer.wallet.address, amount: String(random.whole(1, 900)), reference: 'invoice 7' },
    headers: onceOnly(),
  }),
  'post-admin-debts': async ({ people }) => ({
    body: { wallet: people.customer.wallet.address, reason: 'it left' },
    headers: onceOnly(),
  }),
  'get-admin-audit': async ({ people, random }) => ({
    query: random.pick([
      { limit: '2' },
      { actor: people.operator.wallet.address, action: 'image.block' },
      { target: random.pick(people.ownProviders), action: 'provider.drain' },
    ]),
  }),
  'get-admin-providers': async ({ random }) => ({ query: random.pick([{}, { status: 'busy', limit: '2' }]) }),
  'get-admin-blocks': async ({ random }) => ({ query: random.pick([{}, { kind: 'image' }, { limit: '1' }]) }),
  'get-admin-blocks-by-kind-by-value': aBlock,
  'put-admin-blocks-by-kind-by-value': async ({ random }) => ({
    parts: random.pick([
      { kind: 'wallet', value: newWallet().address },
      { kind: 'provider', value: `nobody-${random.whole(1, 9)}` },
      { kind: 'image', value: `evil/miner-${random.whole(1, 9)}` },
    ]),
    body: { reason: 'it mines', ...(random.next() < 0.5 ? {} : { until: '2999-01-01T00:00:00Z' }) },
  }),
  'delete-admin-blocks-by-kind-by-value': aBlock,

  'get-providers-by-id': ofAnybody,
  'get-providers-by-id-mining': ofAnybody,
  'get-providers-by-id-earnings': ofOwner,
  'get-providers-by-id-jobs': ofOwner,
  'get-providers-by-id-usage': ofOwner,
  'put-providers-by-id-prices': async (chain, operation) => ({
    ...(await ofOwner(chain, operation)),
    body: { gpu: { 'RTX 4090': chain.random.whole(0, 100) / 8 }, cpu: chain.random.pick([undefined, 0, '0.25']) },
  }),
  'delete-providers-by-id-prices': ofOwner,
  'post-providers-by-id-cordon': ofOwner,
  'post-providers-by-id-uncordon': ofOwner,
  'post-providers-by-id-drain': drained,
  'post-providers-by-id-maintenance': drained,
  'post-providers-by-id-retire': newProviderOfOwner,
  'post-providers-by-id-mining-start': async (chain, operation) => ({
    ...(await ofOwner(chain, operation)),
    body: { image: 'docker.io/miners/one:1', gpu_count: chain.random.whole(0, 4) },
  }),
  'post-providers-by-id-mining-stop': ofOwner,
  'post-providers-by-id-mining-allocate': ofOwner,
  'post-providers-by-id-mining-release': ofOwner,
};

/** The person who may call the operation. */
export function whoMay({ scopes }: Operation, { customer, owner, operator }: People): Person {
  if (scopes.includes('admin') || scopes.includes('settlements:read')) return operator;
  return scopes.some((scope) => scope.startsWith('providers:')) ? owner : customer;
}
