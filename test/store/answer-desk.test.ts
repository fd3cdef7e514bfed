import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import {
  announceAnswerer,
  claimRegistrations,
  claimUntold,
  countUnanswered,
  deskBacklog,
  handOver,
  hasUntold,
  isBeingAnswered,
  isTokenUntold,
  recordAnswer,
  releaseClaim,
  withdrawAnswerer,
} from '../../src/db/answer-desk.js';
import { replacedTokens, reserveJoinToken } from '../../src/db/join-tokens.js';
import { keepRegistration, markTold, mayBeTold, messageRates } from '../../src/db/registrations.js';
import { registrationSchema } from '../../src/domain/registration.js';
import type { RegistrationAnswer } from '../../src/domain/registration-answer.js';
import { streams } from '../../src/wire/streams.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';

let database: TestDatabase;
let sent = 0;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers, provider_registrations, registration_answerers cascade');
  await announceAnswerer(database.pool, 'a worker');
});

const wallet = (digit: number) => `0x${String(digit).repeat(40)}`;
const answer: RegistrationAnswer = { kind: 'issued', tokenId: 't', expiresAt: '2026-11-28T12:00:00Z', nodeName: 'n' };

/** Stores a registration, as the relay does. @returns its id. */
async function arrives(providerId: string, { by = 1, signed = false } = {}): Promise<string> {
  const registration = registrationSchema.parse(registrationMessage(simulatedMachine({ providerId })));
  const kept = await keepRegistration(database.pool, {
    ...{ messageId: `${streams.registration}/${++sent}-0/${providerId}`, providerId, registration },
    ...{ wallet: wallet(by), signed, receivedAt: new Date(), placeInMs: 0 },
  });
  return kept!.messageId;
}
async function handedOver(providerId: string, from?: { by?: number; signed?: boolean }): Promise<string> {
  const messageId = await arrives(providerId, from);
  expect(await handOver(database.pool, messageId)).toBe(true);
  return messageId;
}
const claimed = async (limit = 10) =>
  (await claimRegistrations(database.pool, { limit, leaseS: 15 })).map(({ messageId }) => messageId).sort();
const toTell = async (more: { olderThanS?: number } = {}) =>
  await claimUntold(database.pool, { limit: 10, leaseS: 15, ...more });
/** Moves all that was handed over into the past. */
const pass = (seconds: number) =>
  database.pool.query(
    `update provider_registrations set handed_over_at = handed_over_at - make_interval(secs => $1),
            held_until = held_until - make_interval(secs => $1)`,
    [seconds],
  );

describe('a registration is handed over', () => {
  test('while a worker answers, and not once that has gone or said nothing for a while', async () => {
    const messageId = await arrives('one');
    expect(await handOver(database.pool, messageId)).toBe(true);
    expect(await handOver(database.pool, messageId)).toBe(true);
    await database.pool.query(`update registration_answerers set seen_at = now() - interval '7 seconds'`);
    expect(await handOver(database.pool, await arrives('two'))).toBe(false);
    await announceAnswerer(database.pool, 'a worker');
    expect(await handOver(database.pool, await arrives('two'))).toBe(true);
    await withdrawAnswerer(database.pool, 'a worker');
    expect(await handOver(database.pool, await arrives('three'))).toBe(false);
  });

  test.each(['retiring', 'retired'])('unless its provider is %s: that is for its workflow to say', async (state) => {
    await putProvider(database.pool, { providerId: 'leaving' });
    const change =
      state === 'retiring'
        ? 'cordoned = true, retiring = true'
        : `status = 'retired', cordoned = true, retiring = true`;
    await database.pool.query(`update providers set ${change} where provider_id = 'leaving'`);
    expect(await handOver(database.pool, await arrives('leaving'))).toBe(false);
  });

  test('and is not, once its workflow was told', async () => {
    const messageId = await arrives('told');
    await markTold(database.pool, messageId);
    expect(await handOver(database.pool, messageId)).toBe(false);
  });
});

describe('a worker takes registrations', () => {
  test('each for itself, the one that has waited longest first, and again when the worker was killed', async () => {
    const ids = [await handedOver('one'), await handedOver('two'), await handedOver('three')];
    const [first, second] = await Promise.all([claimed(2), claimed(2)]);
    expect([...first, ...second].sort()).toEqual([...ids].sort());
    expect(await claimed()).toEqual([]);
    await pass(16);
    expect(await claimed(1)).toEqual([ids[0]]);
  });

  test('a failed one again after a pause, and an answered one never', async () => {
    const messageId = await handedOver('one');
    await claimed();
    await releaseClaim(database.pool, messageId, 3);
    expect(await claimed()).toEqual([]);
    await pass(4);
    expect(await claimed()).toEqual([messageId]);
    await recordAnswer(database.pool, { messageId, answer });
    await pass(60);
    expect(await claimed()).toEqual([]);
    expect(await countUnanswered(database.pool, 5)).toBe(0);
  });

  test('those of one provider one after the other', async () => {
    const [first, second] = [await handedOver('one', { by: 1 }), await handedOver('one', { by: 2 })];
    expect(await claimed()).toEqual([first]);
    expect(await claimed()).toEqual([]);
    await recordAnswer(database.pool, { messageId: first, answer });
    expect(await claimed()).toEqual([second]);
  });

  test('none while the workflow answers another one of the same provider, for half a minute at most', async () => {
    const first = await arrives('one', { by: 1 });
    await markTold(database.pool, first);
    const second = await handedOver('one', { by: 2 });
    expect(await claimed()).toEqual([]);
    await database.pool.query(
      `update provider_registrations set signalled_at = signalled_at - interval '31 seconds' where message_id = $1`,
      [first],
    );
    expect(await claimed()).toEqual([second]);
  });

  test('none of a provider that has begun to leave', async () => {
    await putProvider(database.pool, { providerId: 'one' });
    await handedOver('one');
    await database.pool.query(`update providers set cordoned = true, retiring = true`);
    expect(await claimed()).toEqual([]);
  });
});

describe('a relay takes what workflows are to be told', () => {
  test('an answered registration once, with its answer and its sender, and again when the relay was killed', async () => {
    const messageId = await handedOver('one', { by: 3, signed: true });
    await claimed();
    expect(await toTell()).toEqual([]);
    await recordAnswer(database.pool, { messageId, answer });
    const untold = { messageId, providerId: 'one', sender: `signed ${wallet(3)}`, answer, waitedS: expect.any(Number) };
    expect(await toTell()).toEqual([untold]);
    expect(await toTell()).toEqual([]);
    await pass(16);
    expect(await toTell()).toEqual([untold]);
    expect(await hasUntold(database.pool, 'one')).toBe(true);
    await markTold(database.pool, messageId);
    await pass(16);
    expect(await toTell()).toEqual([]);
    expect(await hasUntold(database.pool, 'one')).toBe(false);
  });

  test.each<[string, () => Promise<unknown>]>([
    [
      'could not be answered',
      async () => {
        for (const messageId of await claimed()) await releaseClaim(database.pool, messageId, 1);
      },
    ],
    ['no worker answers any more', () => withdrawAnswerer(database.pool, 'a worker')],
    [
      'is of a provider that leaves',
      async () => {
        await putProvider(database.pool, { providerId: 'one' });
        await database.pool.query('update providers set cordoned = true, retiring = true');
      },
    ],
  ])('after three quarters of a minute one that %s, without an answer', async (_, happens) => {
    const messageId = await handedOver('one');
    await happens();
    await pass(44);
    expect(await toTell()).toEqual([]);
    await pass(2);
    const waitedS: unknown = expect.closeTo(46, -1);
    expect(await toTell()).toEqual([{ messageId, providerId: 'one', sender: `unsigned ${wallet(1)}`, waitedS }]);
  });

  test('one that merely waits its turn after five minutes only: a storm must not go to the workflows', async () => {
    await handedOver('one');
    await pass(299);
    expect(await toTell()).toEqual([]);
    await pass(2);
    expect(await toTell()).toHaveLength(1);
  });

  test('not one that a worker is just answering', async () => {
    await handedOver('one');
    await pass(46);
    await claimed();
    expect(await toTell()).toEqual([]);
  });

  test('of a provider that has begun to leave without the answer: its workflow decides what becomes of it', async () => {
    await putProvider(database.pool, { providerId: 'one' });
    const messageId = await handedOver('one');
    await recordAnswer(database.pool, { messageId, answer });
    await database.pool.query('update providers set cordoned = true, retiring = true');
    expect(await toTell()).toEqual([expect.not.objectContaining({ answer })]);
  });

  test('the first answer that was recorded', async () => {
    const messageId = await handedOver('one');
    await recordAnswer(database.pool, { messageId, answer });
    await recordAnswer(database.pool, { messageId, answer: { ...answer, tokenId: 'another' } });
    expect((await toTell())[0]!.answer).toEqual(answer);
  });
});

test('a newer registration takes the place of one that was handed over, until somebody begins to answer that', async () => {
  const first = await handedOver('one');
  expect(await arrives('one')).toBe(first);
  await database.pool.query('update provider_registrations set taken_at = now()');
  expect(await arrives('one')).not.toBe(first);
});

test('a provider is being answered while a worker holds its registration', async () => {
  const messageId = await handedOver('one');
  expect(await isBeingAnswered(database.pool, 'one')).toBe(false);
  await claimed();
  expect(await isBeingAnswered(database.pool, 'one')).toBe(true);
  expect(await isBeingAnswered(database.pool, 'another')).toBe(false);
  await recordAnswer(database.pool, { messageId, answer });
  expect(await isBeingAnswered(database.pool, 'one')).toBe(false);
});

test('a token waits for its own registration to be told, and for no other of the same provider', async () => {
  await putProvider(database.pool, { providerId: 'one' });
  const [first, second] = [await handedOver('one', { by: 1 }), await handedOver('one', { by: 2 })];
  const reserve = async (messageId: string) =>
    (await reserveJoinToken(database.pool, { providerId: 'one', messageId: `${messageId}#0`, nodeName: 'n', ttlS: 60 }))
      .tokenId;
  const tokens = [await reserve(first), await reserve(second)];
  await markTold(database.pool, first);
  expect(await Promise.all(tokens.map((token) => isTokenUntold(database.pool, token)))).toEqual([false, true]);
  expect(await isTokenUntold(database.pool, 'absent')).toBe(false);
});

test('a token that another answer is about to be given with is not replaced, for half a minute', async () => {
  await putProvider(database.pool, { providerId: 'one' });
  const reserve = async (messageId: string) =>
    (await reserveJoinToken(database.pool, { providerId: 'one', messageId, nodeName: 'n', ttlS: 600 })).tokenId;
  const [first, second] = [await reserve('a#0'), await reserve('b#0')];
  expect(await replacedTokens(database.pool, { providerId: 'one', newest: second })).toEqual([]);
  await database.pool.query(`update join_tokens set created_at = created_at - interval '31 seconds'`);
  expect(await replacedTokens(database.pool, { providerId: 'one', newest: second })).toEqual([first]);
});

test('registrations that were handed over count towards the limits of a minute', async () => {
  for (let by = 0; by < messageRates.perProviderPerMinute; by++) {
    const messageId = await handedOver('one', { by });
    await database.pool.query('update provider_registrations set taken_at = now()');
    expect(await mayBeTold(database.pool, messageId)).toBe(true);
  }
  expect(await mayBeTold(database.pool, await arrives('one', { by: 9 }))).toBe(false);
  expect(await mayBeTold(database.pool, await arrives('another', { by: 9 }))).toBe(true);
});

test('what waits is counted for operators', async () => {
  await handedOver('one');
  await recordAnswer(database.pool, { messageId: await handedOver('two'), answer });
  await markTold(database.pool, await handedOver('three'));
  await pass(100);
  expect(await deskBacklog(database.pool)).toEqual({ unanswered: 1, untold: 1, oldestS: expect.closeTo(100, -1) });
});
