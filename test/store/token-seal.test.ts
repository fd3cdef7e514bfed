import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rotateBrokerKey } from '../../src/auth/broker-key.js';
import { createTokenSeal } from '../../src/auth/token-seal.js';
import { newTokenSecret } from '../../src/kubernetes/bootstrap-tokens.js';
import { keepSecret, keptSecret } from '../../src/redis/join-answers/kept-secrets.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
});
afterAll(() => Promise.all([database.close(), redis.close()]));

const owner = { providerId: 'atlas', tokenId: 'abcdef', expiresAt: new Date(1_000) };

test('a kept secret of a token is opened for that token alone, and is nowhere to be read', async () => {
  const seal = createTokenSeal(database.pool);
  const secret = newTokenSecret();
  const { tokenId } = owner;
  const broker = redis.asBroker();
  expect(await keepSecret(broker, { tokenId, sealed: await seal.seal(owner, secret), ttlS: 60 })).toBe(true);
  const other = await seal.seal(owner, newTokenSecret());
  expect(await keepSecret(broker, { tokenId, sealed: other, ttlS: 60 })).toBe(false);
  const kept = (await keptSecret(broker, tokenId))!;
  expect(Buffer.from(kept, 'base64').includes(secret)).toBe(false);
  expect(await createTokenSeal(database.pool).open(owner, kept)).toBe(secret);
  expect(await seal.open({ ...owner, tokenId: 'fedcba' }, kept)).toBeUndefined();
  expect(await seal.open({ ...owner, providerId: 'other' }, kept)).toBeUndefined();
  expect(await seal.open({ ...owner, expiresAt: new Date(2_000) }, kept)).toBeUndefined();
  expect(await seal.open(owner, `${kept.startsWith('A') ? 'B' : 'A'}${kept.slice(1)}`)).toBeUndefined();
  expect(await seal.open(owner, '')).toBeUndefined();
});

test('what was sealed before the broker got another key is opened no more', async () => {
  const seal = createTokenSeal(database.pool);
  const sealed = await seal.seal(owner, newTokenSecret());
  const deps = { pool: database.pool, config: { AUTH_AUDIENCE: 'https://broker.test' } };
  await rotateBrokerKey(deps, { actor: `0x${'1'.repeat(40)}`, ip: '127.0.0.1', requestId: 'test' });
  expect(await seal.open(owner, sealed)).toBeUndefined();
});
