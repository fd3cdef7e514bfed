import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { PrivateKeyAccount } from 'viem/accounts';
import { z } from 'zod';
import { apiRules } from '../../src/api/app.js';
import { newJobId } from '../../src/api/job-id.js';
import type { RouteRule } from '../../src/api/route.js';
import { scopes as everyScope } from '../../src/auth/principal.js';
import { canonicalRequest, signatureHeaders } from '../../src/auth/request-signature.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { audience, newWallet, startApi, type Api } from '../support/api.js';
import { startTestApi } from '../unit/api-harness.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, recordOwner, testOrder } from '../support/fleet.js';
import { hostileCursors, hostileJson, hostileTexts } from '../support/hostile-values.js';
import { beginLogin, finishLogin, sendSigned } from '../support/login.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { attempts, registrationAttempt, type Belongings } from '../support/route-attempts.js';

let database: TestDatabase;
let redis: TestRedis;
let api: Api;
let sessionKey: PrivateKeyAccount;
let token: string;
let mine: Belongings;

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const wallet = newWallet();
  const env = {
    ADMIN_WALLETS: wallet.address,
    PROVIDER_AUTH_MODE: 'permissive',
    MINING_IMAGE_ALLOWLIST: 'docker.io/miners/*',
    AUTH_MAX_SESSIONS: '1000',
    MAX_JOBS_PER_WALLET: '100000',
    MAX_GPUS_PER_WALLET: '100000',
  };
  // Workflows that take whatever they are asked: what is tried here is all that comes before them.
  const commands = {
    jobs: {
      startAndWait: async () => 'still_starting' as const,
      cancel: async () => 'still_ending' as const,
      extend: async () => ({ expiresAt: new Date().toISOString() }),
    },
    providers: { order: async () => undefined },
    announceRegistration: async () => undefined,
    announceMining: async () => true,
    announcePlacement: async () => true,
  };
  api = await startApi({ database, redis, env, commands });
  const underWay = await beginLogin(api, {
    wallet,
    body: { scopes: everyScope, spend_limit: String(10n ** 30n) },
  });
  sessionKey = underWay.key;
  const session = await finishLogin(api, underWay);
  const sessionId = session.json.session_id as string;
  const minted = await sendSigned({ by: sessionKey, at: api, method: 'POST', target: '/api/v1/auth/tokens', body: {} });
  token = minted.json.token as string;
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
  mine = { wallet, sessionId, tokenId: newJobId(), jobId, providerId };
});
afterAll(async () => {
  await api?.stop();
  await Promise.all([database.close(), redis.close()]);
});

// The rules do not depend on what runs: they can be had before it does.
const rules: RouteRule[] = await ruleTable();
const nameOf = ({ method, path }: RouteRule) => `${method} ${path}`;

/** What is sent where nothing is wrong, for routes that are open to everybody. */
const openAttempts: Record<string, (of: Belongings) => { target?: string; body?: unknown }> = {
  'GET /api/v1/providers/:id': ({ providerId }) => ({ target: `/api/v1/providers/${providerId}` }),
  'GET /api/v1/providers/:id/mining': ({ providerId }) => ({ target: `/api/v1/providers/${providerId}/mining` }),
  'GET /api/v1/providers/:id/responses': ({ providerId }) => ({ target: `/api/v1/providers/${providerId}/responses` }),
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

/** Sends text as it is, with the credential that the route wants. */
async function send(rule: RouteRule, target: string, text: string | undefined, headers: Record<string, string> = {}) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomBytes(16).toString('base64url');
  const bodyBytes = Buffer.from(text ?? '');
  const signed: Record<string, string> =
    rule.auth === 'none'
      ? {}
      : rule.auth === 'any'
        ? { authorization: `Bearer ${token}` }
        : {
            [signatureHeaders.key]: sessionKey.address,
            [signatureHeaders.timestamp]: timestamp,
            [signatureHeaders.nonce]: nonce,
            [signatureHeaders.signature]: await sessionKey.signMessage({
              message: canonicalRequest(audience, { method: rule.method, target, bodyBytes }, { timestamp, nonce }),
            }),
          };
  const response = await fetch(api.url + target, {
    method: rule.method,
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...signed, ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: response.status, text: await response.text() };
}

/** Requests under way at the same time. */
const sentAtOnce = 8;

/** Every request that a route can be tried with: one thing is wrong with each of them. */
async function* triesOf(rule: RouteRule): AsyncGenerator<Parameters<typeof send>> {
  const name = nameOf(rule);
  const attempt = attempts[name] === undefined ? openAttempts[name]?.(mine) : await attempts[name](mine, mine.wallet);
  const { target = rule.path, body } = attempt ?? {};
  const text = body === undefined ? undefined : JSON.stringify(body);
  // The session that all of this is tried with would be gone.
  if (name !== 'DELETE /api/v1/auth/sessions') yield [rule, target, text];

  for (const value of rule.path.includes(':') ? [...hostileTexts, '%00', '%ED%A0%80', '%2e%2e', 'a%2fb'] : []) {
    const part = value.startsWith('%') && value.length > 1 ? value : encodeURIComponent(value);
    if (part.length <= 6_000) yield [rule, rule.path.replace(/:[a-z]+/g, part), text];
  }
  const names = Object.keys(rule.request?.query?.shape ?? {});
  for (const unknown of [
    'no_such_field=1',
    'state=',
    '__proto__=%00',
    '%00=1',
    '%ED%A0%80=1',
    `${'x'.repeat(5_000)}=1`,
  ])
    yield [rule, `${target}?${unknown}`, text];
  for (const name of names) {
    for (const value of [...hostileTexts, ...(name === 'cursor' ? hostileCursors : [])]) {
      if (value.length <= 6_000) yield [rule, `${target}?${name}=${encodeURIComponent(value)}`, text];
    }
    yield [rule, `${target}?${name}=1&${name}=2`, text];
    yield [rule, `${target}?${name}=%ED%A0%80`, text];
  }
  for (const value of ['wait=1e400', 'wait=-0', '\u00ff', ' ', 'x'.repeat(5_000)]) {
    yield [rule, target, text, { prefer: value, 'idempotency-key': value, 'user-agent': value }];
  }
  if (rule.request?.body === undefined) return;
  for (const json of hostileJson) yield [rule, target, json];
  const placeholder = '@@hostile@@';
  for (const path of fieldsOf(z.toJSONSchema(rule.request.body, { io: 'input', unrepresentable: 'any' }))) {
    const with_ = JSON.stringify(replaced(body ?? {}, path, placeholder));
    for (const json of hostileJson) yield [rule, target, with_.replace(`"${placeholder}"`, () => json)];
  }
}

/** The paths of all fields that a schema names. */
function fieldsOf(schema: unknown, path: string[] = []): string[][] {
  const { properties, anyOf } = schema as { properties?: Record<string, unknown>; anyOf?: unknown[] };
  const own = Object.entries(properties ?? {}).flatMap(([name, inner]) => [
    [...path, name],
    ...fieldsOf(inner, [...path, name]),
  ]);
  return [...own, ...(anyOf ?? []).flatMap((inner) => fieldsOf(inner, path))];
}

function replaced(value: unknown, [name, ...rest]: string[], by: unknown): unknown {
  if (name === undefined) return by;
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...object, [name]: replaced(object[name], rest, by) };
}

test.each(rules.map((rule) => [nameOf(rule), rule] as const))(
  '%s answers nothing that a client can write with a fault of ours',
  async (_name, rule) => {
    api.logged.length = 0;
    const faults: string[] = [];
    const tries = triesOf(rule);
    const sendNext = async () => {
      for await (const tried of tries) {
        const { status, text } = await send(...tried);
        if (status >= 500) faults.push(`${tried[1].slice(0, 200)} ${tried[2]?.slice(0, 300) ?? ''}: ${text}`);
      }
    };
    await Promise.all(Array.from({ length: sentAtOnce }, sendNext));
    expect(faults).toEqual([]);
    // Nor did the database have to say so in the place of a check.
    const defects = api.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
    expect(defects).toEqual([]);
  },
);

test.each([
  ['a date that is none', `select '2026-02-31'::timestamptz`],
  ['a number out of range', 'select 99999999999::int'],
  ['a text that is no number', `select 'NaN'::int`],
  ['a character that no text can hold', `select $1::text`],
])(
  '%s that every check let pass is the client’s all the same, and told to whoever looks after us',
  async (_what, sql) => {
    const rule: RouteRule = {
      method: 'GET',
      path: '/t/unchecked',
      auth: 'none',
      scopes: [],
      limit: 'read',
      summary: '',
      responses: { 200: { description: '' } },
      errors: [],
      handler: async (ctx) => {
        await withTransaction(database.pool, (tx) => tx.query(sql, sql.includes('$1') ? ['a\0b'] : []));
        ctx.body = {};
      },
    };
    const unchecked = await startTestApi({ routes: [rule] });
    try {
      const { status, json } = await unchecked.send('GET', '/t/unchecked');
      expect([status, json.code]).toEqual([400, 'malformed_request']);
      const told = unchecked.logged.map((line) => JSON.parse(line) as { level: number; route?: string });
      expect(told.filter(({ level, route }) => level >= 50 && route === '/t/unchecked')).toHaveLength(1);
    } finally {
      await unchecked.stop();
    }
  },
);

/** The table that an API is made of, by way of one that is never asked anything. */
async function ruleTable(): Promise<RouteRule[]> {
  const [itsDatabase, itsRedis] = await Promise.all([freshDatabase(), freshRedis()]);
  const its = await startApi({ database: itsDatabase, redis: itsRedis });
  const table = apiRules(its.deps);
  await its.stop();
  await Promise.all([itsDatabase.close(), itsRedis.close()]);
  return table;
}
