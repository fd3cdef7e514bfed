import { randomUUID } from 'node:crypto';
import { zeroAddress } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { audience, newWallet } from './api.js';
import { tableVault } from './chain-site.js';
import { ed25519Key } from './ssh-key.js';
import { spendPermitTypedData } from '../../src/wire/vault-typed-data.js';
import type { ErrorCode } from '../../src/wire/error-codes.js';

/** A wallet's belongings in the tests of access rights, each by its id. */
export interface Belongings {
  wallet: PrivateKeyAccount;
  sessionId: string;
  tokenId: string;
  jobId: string;
  /** A job that has ended and was charged. */
  paidJobId: string;
  providerId: string;
  sshKeyId: string;
  /** Of the job. */
  receiptDigest: string;
}

/** How to try a route with a wallet's belongings, by the holder of `by`. */
export interface Attempt {
  target: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** What any other caller is told; `own` for a route that only ever returns the caller's own data. */
  foreign: ErrorCode | 'own';
}

/** Ids of the right form that name nothing. */
export const nothing = (): Belongings => ({
  wallet: newWallet(),
  sessionId: randomUUID(),
  tokenId: randomUUID(),
  jobId: randomUUID(),
  paidJobId: randomUUID(),
  providerId: `none-${randomUUID().slice(0, 8)}`,
  sshKeyId: randomUUID(),
  receiptDigest: `0x${'7'.repeat(64)}`,
});

type MakeAttempt = (of: Belongings, by: PrivateKeyAccount) => Attempt | Promise<Attempt>;

const job = (path: string, body?: unknown): MakeAttempt => {
  return ({ jobId }) => ({ target: `/api/v1/jobs/${jobId}${path}`, body, foreign: 'job_not_found' });
};
const provider = (path: string, body?: unknown): MakeAttempt => {
  return ({ providerId }) => ({
    target: `/api/v1/providers/${providerId}/${path}`,
    body,
    foreign: 'provider_not_found',
  });
};
/** The image that `putBelongings` blocks. */
export const blockedImage = ({ providerId }: Pick<Belongings, 'providerId'>) => `docker.io/blocked/${providerId}`;
const blocked = (body?: unknown): MakeAttempt => {
  return (of) => ({
    target: `/api/v1/admin/blocks/image/${encodeURIComponent(blockedImage(of))}`,
    body,
    foreign: 'scope_denied',
  });
};
/** What changes the books is asked for under a key of its own. */
const onceOnly = () => ({ 'idempotency-key': randomUUID() });
const own = (target: string, body?: unknown): MakeAttempt => {
  return () => ({ target, body, foreign: 'own' });
};

/**
 * How to try each route that requires a credential. A missing route fails the tests: whoever adds a route says here
 * which belongings of others it could touch, and what a stranger is told.
 */
export const attempts: Record<string, MakeAttempt> = {
  'GET /api/v1/auth/me': own('/api/v1/auth/me'),
  'GET /api/v1/auth/sessions': own('/api/v1/auth/sessions'),
  'DELETE /api/v1/auth/sessions': own('/api/v1/auth/sessions'),
  'POST /api/v1/auth/tokens': own('/api/v1/auth/tokens', {}),
  'DELETE /api/v1/auth/sessions/:id': ({ sessionId }) => ({
    target: `/api/v1/auth/sessions/${sessionId}`,
    foreign: 'session_not_found',
  }),
  'DELETE /api/v1/auth/tokens/:id': ({ tokenId }) => ({
    target: `/api/v1/auth/tokens/${tokenId}`,
    foreign: 'token_not_found',
  }),

  'GET /api/v1/jobs': own('/api/v1/jobs'),
  'POST /api/v1/jobs': own('/api/v1/jobs', {
    gpu_count: 0,
    max_price_per_hour: 0,
    ssh_public_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test'],
  }),
  'GET /api/v1/jobs/:id': job(''),
  'PATCH /api/v1/jobs/:id': job('', { job_name: 'renamed' }),
  'GET /api/v1/jobs/:id/events': job('/events'),
  'GET /api/v1/jobs/:id/logs': job('/logs?tail=10'),
  'GET /api/v1/events': own('/api/v1/events'),
  'DELETE /api/v1/jobs/:id': job(''),
  'POST /api/v1/jobs/:id/extend': job('/extend', { additional_hours: 1 }),
  'POST /api/v1/jobs/:id/ssh-keys': job('/ssh-keys', { public_key: ed25519Key() }),

  'GET /api/v1/billing': own('/api/v1/billing?by=day'),
  'GET /api/v1/billing/balance': own('/api/v1/billing/balance'),
  'GET /api/v1/billing/entries': own('/api/v1/billing/entries?limit=3'),
  'GET /api/v1/billing/statements/:month': own('/api/v1/billing/statements/2026-11'),
  'GET /api/v1/billing/deposits': own('/api/v1/billing/deposits'),
  async 'POST /api/v1/billing/permits'(_, by) {
    const permit = { customer: by.address, cumulativeCap: 10n ** 9n };
    const signature = await by.signTypedData(spendPermitTypedData(tableVault, permit));
    const body = { cumulative_cap: String(permit.cumulativeCap * tableVault.scale), signature };
    return { target: '/api/v1/billing/permits', body, foreign: 'own' };
  },
  'POST /api/v1/billing/withdrawals': () => ({
    ...{ target: '/api/v1/billing/withdrawals', body: { amount: String(10n ** 18n) }, headers: onceOnly() },
    foreign: 'own',
  }),
  'PUT /api/v1/billing/monthly-cap': own('/api/v1/billing/monthly-cap', { amount: String(10n ** 30n) }),
  'DELETE /api/v1/billing/monthly-cap': own('/api/v1/billing/monthly-cap'),
  'GET /api/v1/me/earnings/receipts': own('/api/v1/me/earnings/receipts?limit=5'),
  'GET /api/v1/me/earnings/receipts/:digest': ({ receiptDigest }) => ({
    target: `/api/v1/me/earnings/receipts/${receiptDigest}`,
    foreign: 'receipt_not_found',
  }),
  'GET /api/v1/receipts': own('/api/v1/receipts?limit=5'),
  'GET /api/v1/receipts/:digest': ({ receiptDigest }) => ({
    target: `/api/v1/receipts/${receiptDigest}`,
    foreign: 'receipt_not_found',
  }),
  'GET /api/v1/jobs/:id/receipt': job('/receipt'),
  'GET /api/v1/ssh-keys': own('/api/v1/ssh-keys'),
  'POST /api/v1/ssh-keys': () => ({ target: '/api/v1/ssh-keys', body: { public_key: ed25519Key() }, foreign: 'own' }),
  'DELETE /api/v1/ssh-keys/:id': ({ sshKeyId }) => ({
    target: `/api/v1/ssh-keys/${sshKeyId}`,
    foreign: 'ssh_key_not_found',
  }),

  'POST /api/v1/providers/:id/claim': async ({ providerId }, by) => {
    const nodeKey = newWallet().address;
    const { reg, regsig } = await authorizeNodeKey(by, { providerId, nodeKey, audience, chainId: 1 });
    return {
      target: `/api/v1/providers/${providerId}/claim`,
      body: { message: JSON.parse(reg) as unknown, signature: regsig },
      // A provider's owner is public.
      foreign: 'provider_not_yours',
    };
  },
  'POST /api/v1/admin/providers/:id/approve': ({ providerId }) => ({
    target: `/api/v1/admin/providers/${providerId}/approve`,
    foreign: 'scope_denied',
  }),
  'POST /api/v1/admin/providers/:id/forgive': ({ providerId }) => ({
    target: `/api/v1/admin/providers/${providerId}/forgive`,
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/jobs': ({ wallet }) => ({
    target: `/api/v1/admin/jobs?wallet=${wallet.address}&status=active`,
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/jobs/:id': ({ jobId }) => ({ target: `/api/v1/admin/jobs/${jobId}`, foreign: 'scope_denied' }),
  'DELETE /api/v1/admin/jobs/:id': ({ jobId }) => ({
    target: `/api/v1/admin/jobs/${jobId}`,
    body: { reason: 'it mines' },
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/revenue': () => ({ target: '/api/v1/admin/revenue?by=provider', foreign: 'scope_denied' }),
  'POST /api/v1/admin/jobs/:id/refunds': ({ paidJobId }) => ({
    target: `/api/v1/admin/jobs/${paidJobId}/refunds`,
    body: { amount: '1', reason: 'it was slow' },
    headers: onceOnly(),
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/settlements': () => ({ target: '/api/v1/admin/settlements', foreign: 'scope_denied' }),
  'POST /api/v1/admin/settlements/resume': () => ({
    target: '/api/v1/admin/settlements/resume',
    body: { reason: 'the key was replaced' },
    headers: onceOnly(),
    foreign: 'scope_denied',
  }),
  'POST /api/v1/admin/payouts': ({ wallet }) => ({
    target: '/api/v1/admin/payouts',
    body: { wallet: wallet.address, amount: '1', reference: 'transfer 7' },
    headers: onceOnly(),
    foreign: 'scope_denied',
  }),
  'POST /api/v1/admin/payments': ({ wallet }) => ({
    target: '/api/v1/admin/payments',
    body: { wallet: wallet.address, amount: '1', reference: 'invoice 7' },
    headers: onceOnly(),
    foreign: 'scope_denied',
  }),
  'POST /api/v1/admin/debts': ({ wallet }) => ({
    target: '/api/v1/admin/debts',
    body: { wallet: wallet.address, reason: 'it left' },
    headers: onceOnly(),
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/receipts': ({ wallet }) => ({
    target: `/api/v1/admin/receipts?wallet=${wallet.address}&status=pending`,
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/bookings': () => ({ target: '/api/v1/admin/bookings?batch=1', foreign: 'scope_denied' }),
  'GET /api/v1/admin/overview': () => ({ target: '/api/v1/admin/overview', foreign: 'scope_denied' }),
  'GET /api/v1/admin/stuck': () => ({ target: '/api/v1/admin/stuck', foreign: 'scope_denied' }),
  'GET /api/v1/admin/dead-letters': ({ providerId }) => ({
    target: `/api/v1/admin/dead-letters?provider_id=${providerId}`,
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/audit': ({ wallet }) => ({
    target: `/api/v1/admin/audit?actor=${wallet.address}`,
    foreign: 'scope_denied',
  }),
  'GET /api/v1/admin/providers': () => ({ target: '/api/v1/admin/providers?limit=2', foreign: 'scope_denied' }),
  'GET /api/v1/admin/blocks': () => ({ target: '/api/v1/admin/blocks?kind=image', foreign: 'scope_denied' }),
  'GET /api/v1/admin/blocks/:kind/:value': blocked(),
  'PUT /api/v1/admin/blocks/:kind/:value': blocked({ reason: 'it mines', until: null }),
  'DELETE /api/v1/admin/blocks/:kind/:value': blocked(),
  'GET /api/v1/admin/jobs/:id/failure': ({ jobId }) => ({
    target: `/api/v1/admin/jobs/${jobId}/failure`,
    foreign: 'scope_denied',
  }),
  'POST /api/v1/admin/broker-keys': () => ({ target: '/api/v1/admin/broker-keys', foreign: 'scope_denied' }),
  'GET /api/v1/admin/tenants': ({ wallet }) => ({
    target: `/api/v1/admin/tenants?wallet=${wallet.address}`,
    foreign: 'scope_denied',
  }),
  'GET /api/v1/me/providers': own('/api/v1/me/providers'),
  'GET /api/v1/me/earnings': own('/api/v1/me/earnings'),
  'GET /api/v1/me/earnings/payouts': own('/api/v1/me/earnings/payouts?limit=5'),
  'GET /api/v1/providers/:id/earnings': provider('earnings'),
  'GET /api/v1/providers/:id/jobs': provider('jobs'),
  'GET /api/v1/providers/:id/usage': provider('usage'),
  'PUT /api/v1/providers/:id/prices': provider('prices', { cpu: 0.01 }),
  'DELETE /api/v1/providers/:id/prices': provider('prices'),
  'POST /api/v1/providers/:id/cordon': provider('cordon'),
  'POST /api/v1/providers/:id/uncordon': provider('uncordon'),
  'POST /api/v1/providers/:id/drain': provider('drain', {}),
  'POST /api/v1/providers/:id/maintenance': provider('maintenance', {}),
  'POST /api/v1/providers/:id/retire': provider('retire', {}),
  'POST /api/v1/providers/:id/mining/start': provider('mining/start', { image: 'docker.io/miners/one:1' }),
  'POST /api/v1/providers/:id/mining/stop': provider('mining/stop'),
  'POST /api/v1/providers/:id/mining/allocate': provider('mining/allocate', {}),
  'POST /api/v1/providers/:id/mining/release': provider('mining/release', {}),
};

/** Routes without a credential. Each has to be safe for everybody, or check its own signature. */
export const openRoutes = [
  'GET /',
  'GET /health',
  'GET /ready',
  'GET /openapi.json',
  'GET /api/v1/providers',
  'GET /api/v1/providers/:id',
  'GET /api/v1/providers/search',
  'GET /api/v1/site',
  'GET /api/v1/templates',
  'GET /api/v1/receipts/keys',
  'GET /api/v1/settlements',
  'GET /api/v1/settlements/:number',
  'GET /api/v1/offers',
  'GET /api/v1/market',
  'GET /api/v1/market/history',
  // Answers figures only; a credential adds what is left of the caller's own limit.
  'POST /api/v1/quotes',
  'GET /api/v1/providers/gpu-availability',
  'GET /api/v1/providers/:id/mining',
  'GET /api/v1/mining/metrics',
  // The start of a login, which ends with a proof; so do the next three routes.
  'POST /api/v1/auth/challenge',
  'POST /api/v1/auth/revoke',
  'POST /api/v1/providers/messages',
  'GET /api/v1/providers/:id/responses',
  'PUT /api/v1/providers/:id/delegation',
];

/** Opening a session: tests of logins try it, and this one uses an existing session. */
export const registrationAttempt: Attempt = {
  target: '/api/v1/auth/sessions',
  body: {
    message: {
      wallet: zeroAddress,
      sessionKey: zeroAddress,
      audience,
      statement: '',
      scopes: '',
      spendLimit: '0',
      issuedAt: 0,
      expiresAt: 0,
      nonce: `0x${'0'.repeat(64)}`,
    },
    chain_id: 1,
    signature: '0x00',
  },
  foreign: 'validation_failed',
};
