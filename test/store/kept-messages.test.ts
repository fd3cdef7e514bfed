import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  keepRegistration,
  loadRegistration,
  markTold,
  mayBeTold,
  messageRates,
  pruneRegistrations,
  takeRegistration,
  takeRegistrations,
} from '../../src/db/registrations.js';
import { registrationSchema } from '../../src/domain/registration.js';
import { until } from '../support/until.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate provider_registrations');
});

const owner = (digit: number) => `0x${String(digit).repeat(40)}`;
const begin = Date.now() - 60_000;

/** A message that arrived at this second, and says so. */
function keep(
  second: number,
  { providerId = 'atlas', wallet = owner(1), signed = true, kind = 'provider:registration', placeInMs = 0 } = {},
) {
  const said = placeInMs === 0 ? `at ${second}` : `at ${second}, place ${placeInMs}`;
  const registration = registrationSchema.parse({ provider_id: providerId, agent_version: said });
  return keepRegistration(database.pool, {
    ...{ messageId: `${kind}/${second}-0/${providerId}/${randomUUID()}`, providerId, registration, wallet, signed },
    receivedAt: new Date(begin + second * 1_000),
    placeInMs,
  });
}
const says = async (id: string) => (await loadRegistration(database.pool, id))?.registration.agentVersion;

describe('a waiting message', () => {
  test('a waiting message always holds the newest content, in whatever order messages arrive', async () => {
    const first = (await keep(5))!;
    expect(await keep(7)).toEqual(first);
    expect(await says(first.messageId)).toBe('at 7');
    expect(await keep(6)).toEqual(first);
    expect(await says(first.messageId)).toBe('at 7');
    await markTold(database.pool, first.messageId);
    expect(await keep(8)).toEqual({ ...first, untold: false });
    expect(await says(first.messageId)).toBe('at 8');
  });

  test('a waiting message holds the last one of a millisecond, in whatever order they are handled', async () => {
    const first = (await keep(5))!;
    expect(await keep(5, { placeInMs: 2 })).toEqual(first);
    expect(await keep(5, { placeInMs: 1 })).toEqual(first);
    expect(await says(first.messageId)).toBe('at 5, place 2');
    expect(await keep(6)).toEqual(first);
    expect(await says(first.messageId)).toBe('at 6');
  });

  test('a message stays as it is once it was read, and the next one has a row of its own', async () => {
    const first = (await keep(5))!;
    expect((await takeRegistration(database.pool, first.messageId))!.registration.agentVersion).toBe('at 5');
    const second = (await keep(6))!;
    expect(second.messageId).not.toBe(first.messageId);
    expect([await says(first.messageId), await says(second.messageId)]).toEqual(['at 5', 'at 6']);
  });

  test('a message that arrives while another is being read is not written where nobody reads any more', async () => {
    const first = (await keep(5))!;
    await markTold(database.pool, first.messageId);
    const reader = await database.pool.connect();
    try {
      await reader.query('begin');
      expect((await takeRegistrations(reader, [first.messageId]))[0]!.registration.agentVersion).toBe('at 5');
      const second = keep(6);
      await until(async () => {
        const { rows } = await database.pool.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rows.length === 1;
      });
      await reader.query('commit');
      const kept = (await second)!;
      expect(kept.messageId).not.toBe(first.messageId);
      expect(kept.untold).toBe(true);
      expect([await says(first.messageId), await says(kept.messageId)]).toEqual(['at 5', 'at 6']);
    } finally {
      reader.release();
    }
  });

  test('a message of which its workflow was told long ago is left to be answered', async () => {
    const first = (await keep(5))!;
    await database.pool.query(`update provider_registrations set signalled_at = now() - interval '2 minutes'`);
    expect((await keep(6))!.messageId).not.toBe(first.messageId);
    expect(await says(first.messageId)).toBe('at 5');
  });

  test('a waiting message is not replaced by one of another kind, from another wallet, or signed differently', async () => {
    const kept = await Promise.all([
      keep(5),
      keep(6, { kind: 'provider:capacity' }),
      keep(7, { wallet: owner(2) }),
      keep(8, { signed: false }),
      keep(9, { providerId: 'other' }),
    ]);
    expect(new Set(kept.map((message) => message!.messageId)).size).toBe(5);
    expect(await says(kept[0]!.messageId)).toBe('at 5');
  });
});

test('only a few unsigned messages wait, each under another wallet, and none keeps out a signed one', async () => {
  const unsigned = (digit: number) => keep(digit, { wallet: owner(digit), signed: false });
  for (const digit of [1, 2, 3, 4]) expect(await unsigned(digit)).toMatchObject({ untold: true });
  expect(await unsigned(5)).toBeUndefined();
  expect(await unsigned(3)).toMatchObject({ untold: true });
  expect(await keep(9, { wallet: owner(9) })).toMatchObject({ untold: true });
});

test('a provider has a few messages kept, and in addition those answered with a join command', async () => {
  const read = async (second: number) => {
    const { messageId } = (await keep(second))!;
    await takeRegistration(database.pool, messageId);
    return messageId;
  };
  const first = await read(0);
  const second = await read(1);
  await database.pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer) values ('atlas', '', '{}', '{}', '{}')`,
  );
  await database.pool.query(
    `insert into join_tokens (token_id, provider_id, message_id, node_name, expires_at) values ('aaaaaa', 'atlas', $1, '', now())`,
    [`${first}#1`],
  );
  for (let n = 2; n < 20; n++) await read(n);
  const { rows } = await database.pool.query<{ id: string }>('select message_id as id from provider_registrations');
  expect(rows).toHaveLength(9);
  expect(rows.map(({ id }) => id)).toContain(first);
  expect(rows.map(({ id }) => id)).not.toContain(second);
  await database.pool.query('truncate providers cascade');
});

test('a workflow is told of a limited number of messages a minute, and a wallet’s messages share a limit', async () => {
  const told = async (second: number, options: Parameters<typeof keep>[1]) => {
    const { messageId } = (await keep(second, options))!;
    const may = await mayBeTold(database.pool, messageId);
    await markTold(database.pool, messageId);
    await takeRegistration(database.pool, messageId);
    return may;
  };
  const answers: boolean[] = [];
  for (let n = 0; n < messageRates.perProviderPerMinute + 1; n++) answers.push(await told(n, {}));
  expect(answers).toEqual([...Array(messageRates.perProviderPerMinute).fill(true), false]);
  expect(await told(10, { kind: 'provider:capacity' })).toBe(true);
  await database.pool.query(
    `insert into provider_registrations (message_id, provider_id, registration, wallet, signed, signalled_at)
     select 'provider:registration/' || n, 'hall-' || n, '{}', $1, true, now() from generate_series(1, $2::int) n`,
    [owner(7), messageRates.perWalletPerMinute],
  );
  expect(await told(11, { providerId: 'one-more', wallet: owner(7) })).toBe(false);
  expect(await told(12, { providerId: 'another', wallet: owner(7), signed: false })).toBe(true);
  expect(await told(13, { providerId: 'else', wallet: owner(8) })).toBe(true);
});

test('messages are forgotten by the time when they came', async () => {
  const [old, young] = [(await keep(1))!, (await keep(2, { providerId: 'other' }))!];
  expect(await pruneRegistrations(database.pool, new Date(begin + 1_500))).toBe(1);
  expect([await says(old.messageId), await says(young.messageId)]).toEqual([undefined, 'at 2']);
});
