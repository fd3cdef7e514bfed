import { randomBytes } from 'node:crypto';
import { withOpenapi } from '../../src/api/routes/openapi.js';
import { newJobId } from '../../src/api/job-id.js';
import type { Oversight } from '../../src/api/oversight.js';
import type { RouteRule } from '../../src/api/route.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { audience, newWallet, startApi, type Api } from './api.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { putProvider, recordOwner, testOrder } from './fleet.js';
import { beginLogin, finishLogin, sendSigned } from './login.js';
import { putReceipt } from './receipts.js';
import { freshRedis } from './redis.js';
import { attempts, registrationAttempt, type Belongings } from './route-attempts.js';
import { scopes as everyScope } from '../../src/wire/scopes.js';
import { canonicalRequest, signatureHeaders } from '../../src/wire/request-signature.js';

export const nameOf = ({ method, path }: RouteRule) => `${method} ${path}`;

/** An API whose routes can all be tried, with a permitted caller for each. */
export interface TriedApi {
  api: Api;
  database: TestDatabase;
  mine: Belongings;
  /** A valid request. */
  attempt(rule: RouteRule): Promise<{ target: string; body?: unknown }>;
  /** The headers of the credential that a route requires. */
  credential(rule: RouteRule, target: string, text: string): Promise<Record<string, string>>;
  /** Sends text unchanged, with the credential that the route requires. */
  sendText(
    rule: RouteRule,
    target: string,
    text: string | undefined,
    headers?: Record<string, string>,
  ): Promise<{ status: number; text: string }>;
  stop(): Promise<void>;
}

/** Valid requests to routes that are open to everybody. */
const openAttempts: Record<string, (of: Belongings) => { target?: string; body?: unknown }> = {
  'GET /api/v1/providers/:id': ({ providerId }) => ({ target: `/api/v1/providers/${providerId}` }),
  'GET /api/v1/providers/:id/mining': ({ providerId }) => ({ target: `/api/v1/providers/${providerId}/mining` }),
  'GET /api/v1/providers/:id/responses': ({ providerId }) => ({ target: `/api/v1/providers/${providerId}/responses` }),
  'GET /api/v1/market/history': () => ({ target: '/api/v1/market/history?gpu=4090' }),
  'POST /api/v1/quotes': () => ({ body: { gpu_type: '4090', gpu_count: 1, duration_hours: 1 } }),
  'PUT /api/v1/providers/:id/delegation': ({ providerId, wallet }) => ({
    target: `/api/v1/providers/${providerId}/delegation`,
    body: {
      reg: JSON.stringify({
        ...{ providerId, wallet: wallet.address, nodeKey: wallet.address, specHash: `0x${'0'.repeat(64)}`, audience },
        ...{ issuedAt: 1, expiresAt: 2, nonce: `0x${'0'.repeat(64)}` },
      }),
      regsig: `0x${'1b'.repeat(65)}`,
    },
  }),
  'POST /api/v1/auth/sessions': () => registrationAttempt,
  'POST /api/v1/auth/challenge': ({ wallet }) => ({
    body: { wallet: wallet.address, session_key: newWallet().address, spend_limit: '1' },
  }),
  'POST /api/v1/auth/revoke': ({ wallet }) => ({
    body: {
      message: {
        wallet: wallet.address,
        sessionKey: newWallet().address,
        audience,
        issuedAt: Math.floor(Date.now() / 1000),
        nonce: `0x${randomBytes(32).toString('hex')}`,
      },
      chain_id: 1,
      signature: `0x${'1b'.repeat(65)}`,
    },
  }),
  'POST /api/v1/providers/messages': ({ providerId }) => ({
    body: {
      stream: 'provider:registration',
      data: JSON.stringify({ provider_id: providerId, spec: {}, capacity: {} }),
      timestamp: '2026-01-01T00:00:00Z',
    },
  }),
};

/** Settings under which hardly any limit stops a request, with one operator. */
export const roomySettings = (operator: { address: string }) => ({
  ADMIN_WALLETS: operator.address,
  PROVIDER_AUTH_MODE: 'permissive',
  MINING_IMAGE_ALLOWLIST: 'docker.io/miners/*',
  AUTH_MAX_SESSIONS: '1000',
  MAX_JOBS_PER_WALLET: '100000',
  MAX_GPUS_PER_WALLET: '100000',
});

/** Nothing waits, and the reconciler found nothing. */
export const quietOversight: Oversight = {
  reconcilerRuns: async () => ({ lastAt: new Date(), repairs: 0, failures: 0 }),
  waiting: async () => ({ workflows: [], hasMore: false }),
};

/** Announcements that always succeed, and reach nobody. */
export const silentAnnouncements = {
  announceRegistration: async () => undefined,
  announceMining: async () => true,
  announcePlacement: async () => true,
  oversight: quietOversight,
};

export async function startTriedApi(more: Record<string, string> = {}): Promise<TriedApi> {
  const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const wallet = newWallet();
  const env = { ...roomySettings(wallet), ...more };
  // Commands to workflows that always succeed: these tests are about the steps before them.
  const commands = {
    jobs: {
      startAndWait: async () => 'still_starting' as const,
      cancel: async () => 'still_ending' as const,
      extend: async () => ({ expiresAt: new Date().toISOString() }),
    },
    providers: { order: async () => undefined },
    ...silentAnnouncements,
  };
  const api = await startApi({ database, redis, env, commands });
  const underWay = await beginLogin(api, {
    wallet,
    body: { scopes: everyScope, spend_limit: String(10n ** 30n) },
  });
  const sessionKey = underWay.key;
  await finishLogin(api, underWay);
  // A session to revoke: if the requests' own session were revoked, all later requests would be refused.
  const spare = await finishLogin(api, await beginLogin(api, { wallet }));
  const sessionId = spare.json.session_id as string;
  const minted = await sendSigned({ by: sessionKey, at: api, method: 'POST', target: '/api/v1/auth/tokens', body: {} });
  const token = minted.json.token as string;
  const [jobId, providerId] = [newJobId(), `prov-${randomBytes(4).toString('hex')}`];
  await putProvider(database.pool, { providerId });
  await recordOwner(database.pool, providerId, wallet.address.toLowerCase());
  await withTransaction(database.pool, (tx) =>
    insertJob(tx, {
      ...testOrder({ jobId, wallet: wallet.address.toLowerCase(), maxPricePerHour: 0 }),
      sessionId,
      requestSha256: '',
      sshPublicKeys: [],
      env: {},
      reservedAmount: 0n,
    }),
  );
  const receiptDigest = await putReceipt(database.pool, { wallet: wallet.address, jobId });
  const mine: Belongings = {
    wallet,
    sessionId,
    tokenId: newJobId(),
    jobId,
    paidJobId: jobId,
    providerId,
    sshKeyId: newJobId(),
    receiptDigest,
  };

  return {
    api,
    database,
    mine,
    sendText,
    credential,
    async attempt(rule) {
      const name = nameOf(rule);
      const made = attempts[name] === undefined ? openAttempts[name]?.(mine) : await attempts[name](mine, wallet);
      return { target: rule.path, ...made };
    },
    async stop() {
      await api.stop();
      await Promise.all([database.close(), redis.close()]);
    },
  };

  async function sendText(
    rule: RouteRule,
    target: string,
    text: string | undefined,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const signed = await credential(rule, target, text ?? '');
    const response = await fetch(api.url + target, {
      method: rule.method,
      headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...signed, ...headers },
      ...(text === undefined ? {} : { body: text }),
    });
    return { status: response.status, text: await response.text() };
  }

  async function credential(rule: RouteRule, target: string, text: string): Promise<Record<string, string>> {
    if (rule.auth === 'none') return {};
    if (rule.auth === 'any') return { authorization: `Bearer ${token}` };
    const timestamp = String(Math.floor(Date.now() / 1000));
    const nonce = randomBytes(16).toString('base64url');
    const request = { method: rule.method, target, bodyBytes: Buffer.from(text) };
    return {
      [signatureHeaders.key]: sessionKey.address,
      [signatureHeaders.timestamp]: timestamp,
      [signatureHeaders.nonce]: nonce,
      [signatureHeaders.signature]: await sessionKey.signMessage({
        message: canonicalRequest(audience, request, { timestamp, nonce }),
      }),
    };
  }
}

/** The rule table of an API, by means of an API that never gets a request. */
export async function ruleTable(): Promise<RouteRule[]> {
  const [itsDatabase, itsRedis] = await Promise.all([freshDatabase(), freshRedis()]);
  const its = await startApi({ database: itsDatabase, redis: itsRedis });
  const { routes, config } = its.deps;
  const table = withOpenapi(routes, config);
  await its.stop();
  await Promise.all([itsDatabase.close(), itsRedis.close()]);
  return table;
}
