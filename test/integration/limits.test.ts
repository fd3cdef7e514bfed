import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import { createRecover } from '../../src/auth/recover.js';
import { inTurn } from '../../src/auth/turns.js';
import { readConfig } from '../../src/config.js';
import type { BrokerError } from '../../src/domain/errors.js';
import { limitReached, limits, type LimitName } from '../../src/domain/limits.js';
import { updatesAtOnce } from '../../src/temporal/refusals.js';
import { newWallet, type Api } from '../support/api.js';
import { putProvider, recordOwner } from '../support/fleet.js';
import { bindNodeKey, httpsProvider } from '../support/https-providers.js';
import { beginLogin, finishLogin, sendSigned } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { scopes } from '../../src/wire/scopes.js';

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas();
  await putProvider(replicas.database.pool, { providerId: 'prov-limits' });
});
afterAll(() => replicas.stop());

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const order = { gpu_count: 0, cpu_cores: 1, memory_gb: 1, storage_gb: 1, ssh_public_keys: [sshKey] };
const signature: Hex = `0x${'11'.repeat(64)}1b`;

interface Answer {
  status: number;
  headers: Headers;
  // Replies are looked into freely: a wrong shape fails the expectation.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/** Sends as a customer with every scope that one may have. */
type Send = (method: string, target: string, body?: unknown) => Promise<Answer>;

/** A machine whose key the broker knows. */
async function knownProvider() {
  const provider = httpsProvider();
  await bindNodeKey(replicas.database.pool, provider);
  return provider;
}

/** How each limit is reached at an API that allows two; what is answered to the third. */
const ways: Record<LimitName, (api: Api, send: Send, wallet: string) => Promise<Answer>> = {
  requests: (api) => third(() => api.send('GET', '/health', { headers: { 'x-forwarded-for': '203.0.113.1' } })),
  failures: (api) => third(() => api.send('GET', '/api/v1/auth/me', { bearer: `wlb_${'x'.repeat(43)}` })),
  new_wallets: (api) => third(async () => finishLogin(api, await beginLogin(api))),
  async logins(api) {
    const wallet = newWallet();
    // From wherever it logs in, and known from the first time on.
    let at = 0;
    return await third(async () => {
      const headers = { 'x-forwarded-for': `198.51.100.${++at}` };
      return finishLogin(api, await beginLogin(api, { wallet, headers }), { headers });
    });
  },
  reads: (_, send) => third(() => send('GET', '/api/v1/auth/me')),
  writes: (_, send) => third(() => send('DELETE', `/api/v1/jobs/${randomUUID()}`)),
  orders: (_, send) => third(() => send('POST', '/api/v1/jobs', { ...order, gpu_count: -1 })),
  async unready_starts(_, send, wallet) {
    for (let at = 0; at < 2; at++) {
      await replicas.database.pool.query(
        `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                           provider_id, status, ended_at)
         values ($1, $2, '', '', 1, 1, 1, 1, 60, 'prov-limits', 'cancelled', now())`,
        [randomUUID(), wallet],
      );
    }
    return await send('POST', '/api/v1/jobs', order);
  },
  async provider_strangers(api) {
    const message = httpsProvider().bareRegistration();
    return await third(() => api.send('POST', '/api/v1/providers/messages', { body: message }));
  },
  async provider_messages(api) {
    const provider = await knownProvider();
    return await third(async () =>
      api.send('POST', '/api/v1/providers/messages', { body: await provider.heartbeat() }),
    );
  },
  // More than two wait at the same time in the check of signatures alone.
  async signatures() {
    const recover = createRecover({ maxWaiting: 2 });
    const all = await inTurn({ network: '203.0.113.1', who: '' }, () =>
      Promise.allSettled(Array.from({ length: 9 }, () => recover(`0x${'22'.repeat(32)}`, signature))),
    );
    return answerOf(all.find(({ status }) => status === 'rejected') as PromiseRejectedResult);
  },
  // What Temporal says where a workflow has all that it may have under way; the tests of workflows bring it about.
  job_requests: async () => answerOf({ reason: underWay('job_requests') }),
  provider_orders: (_, send) => send('POST', '/api/v1/providers/prov-limits/cordon'),
};

const underWay = (name: 'job_requests' | 'provider_orders') =>
  limitReached(name, { allowed: updatesAtOnce, retryAfterS: 1 });

function answerOf({ reason }: { reason: unknown }): Answer {
  const error = reason as BrokerError;
  const seconds = String(error.extra['retry_after_s']);
  return { status: error.status, headers: new Headers({ 'retry-after': seconds }), json: { ...error.extra, ...error } };
}

async function third(ask: () => Promise<Answer>): Promise<Answer> {
  await ask();
  await ask();
  return await ask();
}

test.each(Object.keys(limits) as LimitName[])(
  'a refusal by the limit of %s names the limit, per what it counts, how many it allows, and until when',
  async (name) => {
    const limit: { per: string; windowS?: number; setting?: string } = limits[name];
    const env = { TRUST_PROXY: 'true', ...(limit.setting === undefined ? {} : { [limit.setting]: '2' }) };
    const refuse = () => Promise.reject(underWay('provider_orders'));
    const api = await replicas.start({ env, commands: { providers: { order: refuse } } });
    try {
      const begun = await beginLogin(replicas.api, {
        body: {
          scopes: scopes.filter((scope) => scope !== 'admin' && scope !== 'settlements:read'),
          spend_limit: String(10n ** 24n),
        },
      });
      await finishLogin(replicas.api, begun);
      const wallet = begun.wallet.address.toLowerCase();
      await recordOwner(replicas.database.pool, 'prov-limits', wallet);
      const send: Send = (method, target, body) => sendSigned({ by: begun.key, at: api, method, target, body });
      const beforeMs = Date.now();
      const { status, headers, json } = await ways[name](api, send, wallet);
      expect([status, json.code]).toEqual([429, 'rate_limited']);
      const allowed = limit.setting === undefined ? json.allowed : 2;
      expect(json).toMatchObject({ limit: name, per: limit.per, allowed });
      expect(json.window_s).toBe(limit.windowS);
      expect(json.detail).toContain(`${allowed} `);
      expect(json.detail).toContain(`for one ${limit.per}`);
      expect(Number(headers.get('retry-after'))).toBe(json.retry_after_s);
      expect(json.retry_after_s).toBeGreaterThan(0);
      expect(json.retry_after_s).toBeLessThanOrEqual(limit.windowS ?? 1);
      const untilMs = Date.parse(json.retry_at) - json.retry_after_s * 1000;
      expect(untilMs).toBeGreaterThanOrEqual(beforeMs - 100);
      expect(untilMs).toBeLessThanOrEqual(Date.now() + 1_000);
    } finally {
      await api.stop();
    }
  },
);

test('a machine with a known key is heard and answered, whatever others at its address have sent', async () => {
  const api = await replicas.start({
    env: { TRUST_PROXY: 'true', RATE_LIMIT_PROVIDERS: '2', RATE_LIMIT_PER_IP: '30' },
  });
  try {
    const [headers, provider] = [{ 'x-forwarded-for': '203.0.113.9' }, await knownProvider()];
    const send = (body: object) => api.send('POST', '/api/v1/providers/messages', { body, headers });
    for (let at = 0; at < 60; at++) {
      const stranger = httpsProvider();
      // Unsigned, by a key that nobody knows, and in the name of the one that is known.
      await send(at % 2 === 0 ? stranger.bareHeartbeat() : await stranger.heartbeat());
      await send({ ...(await provider.heartbeat()), sig: signature });
    }
    expect((await send(httpsProvider().bareHeartbeat())).json.limit).toBe('requests');
    for (let at = 0; at < 5; at++) expect((await send(await provider.heartbeat())).status).toBe(202);
    const target = `/api/v1/providers/${provider.providerId}/responses?after=0`;
    const signed = { ...headers, ...(await provider.signTarget(target)) };
    expect((await api.send('GET', target, { headers: signed })).status).toBe(200);
  } finally {
    await api.stop();
  }
});

test('every variable that a limit names exists', () => {
  const config = readConfig({});
  for (const { setting } of Object.values(limits) as { setting?: string }[]) {
    if (setting !== undefined) expect(config).toHaveProperty(setting);
  }
});
