import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  liveAnswer,
  markTokenAnswered,
  markTokenDeleted,
  markTokenDelivered,
  markTokenUsed,
  replacedTokens,
  reserveJoinToken,
} from '../../src/db/join-tokens.js';
import { keepRegistration } from '../../src/db/registrations.js';
import { registrationSchema } from '../../src/domain/registration.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';

let database: TestDatabase;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate providers, provider_registrations cascade');
  await putProvider(pool(), { providerId: 'atlas' });
});

const wallet = `0x${'1'.repeat(40)}`;
const first = 'provider:registration/1-0/atlas';
const second = 'provider:registration/2-0/atlas';

/** The first registration, answered. */
async function answered({ signed = true, encKey = undefined as string | undefined, ttlS = 900 } = {}) {
  const registration = registrationSchema.parse({ provider_id: 'atlas' });
  const sender = { providerId: 'atlas', wallet, signed };
  await keepRegistration(pool(), {
    ...{ ...sender, messageId: first, registration, receivedAt: new Date(), placeInMs: 0 },
  });
  const made = { providerId: 'atlas', messageId: `${first}#0`, nodeName: 'node-1', ttlS };
  const token = await reserveJoinToken(pool(), made);
  await markTokenAnswered(pool(), { tokenId: token.tokenId, encKey, answeredAt: new Date() });
  return token;
}

const sought = (change: object = {}) =>
  liveAnswer(pool(), { providerId: 'atlas', command: `${second}#0`, wallet, signed: true, ...change });

describe('an answer that a provider was given', () => {
  test('an answer is given again to its sender while its token is unused and lasts long enough', async () => {
    const { tokenId, expiresAt } = await answered();
    const given = { tokenId, expiresAt, messageId: `${first}#0`, nodeName: 'node-1' };
    const at = { answeredAt: expect.any(Date) };
    expect(await sought()).toEqual({ ...given, ...at, delivered: false });
    await markTokenDelivered(pool(), tokenId);
    expect(await sought()).toEqual({ ...given, ...at, delivered: true });
    await pool().query(`update join_tokens set created_at = now() - interval '31 minutes'`);
    expect(await sought()).toBeUndefined();
    await pool().query(`update join_tokens set created_at = now() - interval '29 minutes'`);
    expect(await sought()).toBeDefined();
    await markTokenUsed(pool(), tokenId);
    expect(await sought()).toBeUndefined();
  });

  test('an answer is not given again to another wallet, to one that does not sign, or after it was withdrawn', async () => {
    const { tokenId } = await answered();
    expect(await sought({ wallet: `0x${'2'.repeat(40)}` })).toBeUndefined();
    expect(await sought({ signed: false })).toBeUndefined();
    await markTokenDeleted(pool(), tokenId);
    expect(await sought()).toBeUndefined();
  });

  test('an answer to a provider that does not sign is given again only for the key that it was sealed for', async () => {
    await answered({ signed: false, encKey: 'aa' });
    expect(await sought({ signed: false, encKey: 'aa' })).toMatchObject({ sealedFor: 'aa' });
    expect(await sought({ signed: false, encKey: 'bb' })).toBeUndefined();
    expect(await sought({ signed: false })).toBeUndefined();
  });

  test('an answer is given again to a provider that signs, whatever key it has now', async () => {
    await answered({ encKey: 'aa' });
    expect(await sought({ encKey: 'bb' })).toMatchObject({ sealedFor: 'aa' });
  });

  test('an answer that was sealed for another key has not been delivered', async () => {
    const { tokenId } = await answered({ encKey: 'aa' });
    await markTokenDelivered(pool(), tokenId);
    await markTokenAnswered(pool(), { tokenId, encKey: 'aa', answeredAt: new Date() });
    expect(await sought()).toMatchObject({ delivered: true });
    await markTokenAnswered(pool(), { tokenId, encKey: 'bb', answeredAt: new Date() });
    expect(await sought()).toMatchObject({ delivered: false });
  });

  test('a registration that has a token of its own is given no other', async () => {
    await answered();
    await reserveJoinToken(pool(), { providerId: 'atlas', messageId: `${second}#0`, nodeName: 'node-1', ttlS: 900 });
    expect(await sought()).toBeUndefined();
  });
});

describe('a token that a newer one replaces', () => {
  const reserve = (at: number, nodeName = 'node-1') =>
    reserveJoinToken(pool(), { providerId: 'atlas', messageId: `${first}#${at}`, nodeName, ttlS: 900 });

  test('of the unused tokens for the same node the newest stays, because an agent may be about to join with it', async () => {
    const [oldest, used, older, newest] = [await reserve(0), await reserve(1), await reserve(2), await reserve(3)];
    for (const { tokenId } of [oldest, used, older, newest])
      await markTokenAnswered(pool(), { tokenId, encKey: undefined, answeredAt: new Date() });
    await pool().query(`update join_tokens set created_at = now() - interval '1 hour' where token_id = $1`, [
      oldest.tokenId,
    ]);
    await markTokenUsed(pool(), used.tokenId);
    expect((await replacedTokens(pool(), { providerId: 'atlas', newest: newest.tokenId })).sort()).toEqual(
      [oldest.tokenId, used.tokenId].sort(),
    );
  });

  test('a token is replaced if it is for another node, or if nobody was ever given it', async () => {
    const [another, unsaid] = [await reserve(0, 'node-0'), await reserve(1)];
    await markTokenAnswered(pool(), { tokenId: another.tokenId, encKey: undefined, answeredAt: new Date() });
    // Within half a minute an answer could still be given with it.
    await pool().query(`update join_tokens set created_at = now() - interval '31 seconds' where token_id = $1`, [
      unsaid.tokenId,
    ]);
    const newest = await reserve(2);
    expect((await replacedTokens(pool(), { providerId: 'atlas', newest: newest.tokenId })).sort()).toEqual(
      [another.tokenId, unsaid.tokenId].sort(),
    );
  });
});
