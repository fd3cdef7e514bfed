import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { reserveSpend } from '../../src/billing/spend.js';
import { withTransaction } from '../../src/db/pool.js';
import { newWallet, type Api } from '../support/api.js';
import { putBelongings } from '../support/owned.js';
import { beginLogin, finishLogin, me, sendSigned } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const settings = {
  AUTH_CHALLENGE_TTL_S: '30',
  AUTH_SESSION_TTL_S: '600',
  AUTH_SESSION_TTL_MAX_S: '1200',
  AUTH_TOKEN_TTL_S: '120',
  AUTH_TOKEN_TTL_MAX_S: '240',
};

let replicas: Replicas;
let api: Api;
/** How far the clock of the API is ahead. */
let aheadMs = 0;
beforeAll(async () => {
  replicas = await startReplicas();
  api = await replicas.start({ env: settings, now: () => Date.now() + aheadMs });
});
afterAll(async () => {
  await api?.stop();
  await replicas.stop();
});

async function session(body: object = {}) {
  const underWay = await beginLogin(api, { body });
  const reply = await finishLogin(api, underWay);
  expect(reply.status).toBe(201);
  return { ...underWay, id: reply.json.session_id as string, lastsS: lastsS(reply.json) };
}
const lastsS = ({ expires_at }: { expires_at: string }) => (Date.parse(expires_at) - Date.now()) / 1000;
const mint = async (by: ReturnType<typeof newWallet>, body: object) =>
  await sendSigned({ by, at: api, method: 'POST', target: '/api/v1/auth/tokens', body });
/** Some seconds may have passed since its creation. */
function expectAbout(value: number, seconds: number): void {
  expect(value).toBeGreaterThan(seconds - 60);
  expect(value).toBeLessThanOrEqual(seconds + 1);
}

test('a session lasts for the configured time or the requested one, and never longer than the maximum', async () => {
  expectAbout((await session()).lastsS, 600);
  expectAbout((await session({ ttl_seconds: 1200 })).lastsS, 1200);
  const longer = await api.send('POST', '/api/v1/auth/challenge', {
    body: { wallet: newWallet().address, session_key: newWallet().address, ttl_seconds: 1201 },
  });
  expect([longer.status, longer.json.errors]).toMatchObject([422, [{ field: 'ttl_seconds' }]]);
});

test('a token lasts for the configured time or the requested one, and never longer than the maximum', async () => {
  const { key } = await session();
  expectAbout(lastsS((await mint(key, {})).json), 120);
  expectAbout(lastsS((await mint(key, { ttl_seconds: 240 })).json), 240);
  const longer = await mint(key, { ttl_seconds: 241 });
  expect([longer.status, longer.json.errors]).toMatchObject([422, [{ field: 'ttl_seconds' }]]);
});

test('a challenge is valid for the configured time', async () => {
  const [inTime, late] = [await beginLogin(api), await beginLogin(api)];
  try {
    // The proof has the times of this process, and the allowed skew is a minute.
    aheadMs = 20_000;
    expect((await finishLogin(api, inTime)).status).toBe(201);
    aheadMs = 50_000;
    const reply = await finishLogin(api, late);
    expect([reply.status, reply.json.code]).toEqual([401, 'challenge_invalid']);
  } finally {
    aheadMs = 0;
  }
});

test('a revoked session is not shown as live', async () => {
  const wallet = newWallet();
  const first = await beginLogin(api, { wallet });
  const revoked = (await finishLogin(api, first)).json.session_id as string;
  const second = await beginLogin(api, { wallet });
  const kept = (await finishLogin(api, second)).json.session_id as string;
  const by = second.key;
  const target = `/api/v1/auth/sessions/${revoked}`;
  expect((await sendSigned({ by, at: api, method: 'DELETE', target })).status).toBe(204);
  const { json } = await sendSigned({ by, at: api, target: '/api/v1/auth/sessions' });
  const sessions = json.sessions as { session_id: string; live: boolean; current: boolean }[];
  expect(sessions.map(({ session_id, live, current }) => [session_id, live, current])).toEqual([
    [kept, true, true],
    [revoked, false, false],
  ]);
});

test('the remaining spend limit is the limit minus what is reserved and what is spent', async () => {
  const { pool } = replicas.database;
  const { wallet, key, id } = await session({ spend_limit: '1000' });
  const { jobId } = await putBelongings(pool, wallet);
  await pool.query('delete from auth_charges where job_id = $1', [jobId]);
  await withTransaction(pool, (tx) => reserveSpend(tx, { jobId, sessionId: id, amount: 300n }));
  await pool.query('update auth_sessions set spent = 50 where id = $1', [id]);
  expect((await sendSigned({ by: key, at: api, target: me })).json).toMatchObject({
    ...{ spend_limit: '1000', spend_reserved: '300', spend_spent: '50', spend_remaining: '650' },
  });
});
