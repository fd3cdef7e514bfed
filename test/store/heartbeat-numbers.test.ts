import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { createHeartbeatNumbers } from '../../src/auth/providers/heartbeat-numbers.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';

const providers = Array.from({ length: 200 }, (_, index) => `provider-${index}`);
const nodeKey = `0x${'1'.repeat(40)}`;
let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate provider_identities cascade');
  await database.pool.query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id,
                                      spec_hash, issued_at, expires_at, bound_at)
     select id, $2, $2, '{}', '', 1, '0x' || repeat('0', 64), now(), now() + interval '1 day', now()
       from unnest($1::text[]) id`,
    [providers, nodeKey],
  );
});

const numbers = (pool: Pool = database.pool) => createHeartbeatNumbers(pool, Date.now);
const beat = (providerId: string, seq: number) => ({ providerId, nodeKey, seq, entryId: `${seq}-0` });
const recorded = async () => {
  const { rows } = await database.pool.query<{ seq: string; signed: boolean }>(
    'select heartbeat_seq as seq, signed_at is not null as signed from provider_identities',
  );
  return rows;
};

test('heartbeats of many providers at once are recorded by a few statements', async () => {
  let statements = 0;
  const counting = new Proxy(database.pool, {
    get: (pool, name) => (name === 'query' && statements++, Reflect.get(pool, name) as unknown),
  });
  const advance = numbers(counting);
  const taken = await Promise.all(providers.map((id) => advance(beat(id, 7))));
  expect(new Set(taken)).toEqual(new Set([true]));
  expect(statements).toBeLessThanOrEqual(2);
  expect(await recorded()).toEqual(providers.map(() => ({ seq: 7, signed: true })));
});

test('several heartbeats of one provider at once count in the order in which they came', async () => {
  const advance = numbers();
  const seqs = [5, 6, 6, 4, 9];
  const taken = await Promise.all(seqs.map((seq) => advance(beat('provider-1', seq))));
  // The second 6 is the same entry, delivered again.
  expect(taken).toEqual([true, true, true, false, true]);
});

test('a key that is not the provider’s is refused, and the others of its statement are not', async () => {
  const advance = numbers();
  const [first, foreign, unknown, last] = await Promise.all([
    advance(beat('provider-1', 3)),
    advance({ ...beat('provider-2', 3), nodeKey: `0x${'2'.repeat(40)}` }),
    advance(beat('provider-nobody', 3)),
    advance(beat('provider-3', 3)),
  ]);
  expect([first, foreign, unknown, last]).toEqual([true, false, false, true]);
});

test('processes that record the same providers in opposite orders never wait for each other in a circle', async () => {
  const processes = [numbers(), numbers(), numbers(), numbers()];
  for (let round = 1; round <= 5; round++) {
    const all = processes.map((advance, index) => {
      const order = index % 2 === 0 ? providers : [...providers].reverse();
      return Promise.all(order.map((id) => advance(beat(id, round * 10 + index))));
    });
    await Promise.all(all);
  }
  expect(new Set((await recorded()).map(({ seq }) => seq))).toEqual(new Set([53]));
});

test('an error reaches everybody in the statement, and the next heartbeat is recorded', async () => {
  let isAway = true;
  const failing = new Proxy(database.pool, {
    get: (pool, name) =>
      name === 'query' && isAway ? () => Promise.reject(new Error('away')) : (Reflect.get(pool, name) as unknown),
  });
  const advance = numbers(failing);
  const both = await Promise.allSettled([advance(beat('provider-1', 1)), advance(beat('provider-2', 1))]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isAway = false;
  expect(await advance(beat('provider-1', 1))).toBe(true);
});
