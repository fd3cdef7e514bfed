import { setTimeout as sleep } from 'node:timers/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChainableCommander, Redis } from 'ioredis';
import { createLimiter } from '../../src/api/limiter.js';
import { hasLostOfLate } from '../../src/db/stream-losses.js';
import { packageRoot } from '../../engines/paths.js';
import { foreignKeys, streamAlarms } from '../../src/observability/metrics.js';
import { reportTo } from '../../src/redis/foreign.js';
import { brokerKeys, keptSecretKey, requestNonceKey, type BrokerKey } from '../../src/redis/keys.js';
import { createNonceStore } from '../../src/redis/nonces.js';
import { createProviderIngress } from '../../src/redis/provider-ingress.js';
import { keepSecret, keptSecret } from '../../src/redis/join-answers/kept-secrets.js';
import { readReplies } from '../../src/redis/join-answers/reads.js';
import { ensureReplyDelivered, publishReply, withdrawReplies } from '../../src/redis/join-answers/join-answers.js';
import {
  brokerGroup,
  deadLetterStream,
  poisonedRegister,
  poisonedStream,
  responseStream,
  streams,
  trimmedCounter,
} from '../../src/wire/streams.js';
import { createRelayWorld, heartbeatData, newProviderId, registrationData, type RelayWorld } from '../support/relay.js';
import { until } from '../support/until.js';

/** Nobody has users of their own here: whoever writes a message writes to every key there is. */
let world: RelayWorld;
let stranger: Redis;
let broker: Redis;

beforeAll(async () => {
  world = await createRelayWorld();
  stranger = world.redis;
  broker = world.asBroker();
  await world.start();
}, 120_000);
afterAll(() => world.close(), 60_000);

const largestId = '18446744073709551615-18446744073709551615';
/** What somebody may put at a key, by a name for it. */
const attacks: Record<string, (redis: ChainableCommander, key: string) => unknown> = {
  'no number': (redis, key) => redis.set(key, 'x'),
  'nothing in it': (redis, key) => redis.set(key, ''),
  'an absurd number': (redis, key) => redis.set(key, '9'.repeat(30)),
  'a number without an end': (redis, key) => redis.set(key, '1000000'),
  'a list': (redis, key) => redis.rpush(key, 'x'),
  'a hash': (redis, key) => redis.hset(key, Object.fromEntries(Object.values(streams).map((name) => [name, 'x']))),
  'a hash of large numbers': (redis, key) =>
    redis.hset(key, Object.fromEntries(Object.values(streams).map((name) => [name, '9223372036854775807']))),
  'a hash of many fields': (redis, key) =>
    redis.hset(key, Object.fromEntries(Array.from({ length: 500 }, (_, at) => [at, at]))),
  'a set of names that are none': (redis, key) =>
    redis.sadd(
      key,
      'x',
      streams.registration,
      `${poisonedStream(streams.heartbeat, 2)}x`,
      poisonedStream(streams.capacity, 3),
    ),
  'a sorted set': (redis, key) => redis.zadd(key, 1, 'x'),
  'a stream of nonsense': (redis, key) => redis.xadd(key, '*', 'data', '{', 'origin', 'x', 'groups', '{', 'bsig', '{}'),
  'a stream of other nonsense': (redis, key) => redis.xadd(key, '*', 'groups', '[1]', 'x', 'y'),
  'a stream with the largest id': (redis, key) => redis.xadd(key, largestId, 'data', '{}'),
  nothing: () => undefined,
};

/**
 * The key is as the stranger wants it in one step: the broker may write to a key between two steps, and a stranger's
 * command of another type would be refused.
 */
async function overwrite(key: string, name: string): Promise<void> {
  const steps = stranger.multi().del(key);
  attacks[name]!(steps, key);
  for (const [error] of (await steps.exec()) ?? []) if (error !== null) throw error;
}

const count = async () => {
  const sum = ({ values }: { values: { value: number }[] }) => values.reduce((total, { value }) => total + value, 0);
  return sum(await foreignKeys.get()) + sum(await streamAlarms.get());
};

async function heartbeatArrives(): Promise<void> {
  const providerId = newProviderId();
  await world.pool.query(
    `insert into providers (provider_id, wallet_addr, status, spec, capacity, offer)
     values ($1, $2, 'available', '{}', '{}', '{}')`,
    [providerId, `0x${'a'.repeat(40)}`],
  );
  await world.pool.query('insert into provider_heartbeats (provider_id) values ($1)', [providerId]);
  await until(
    async () => {
      await stranger.xadd(streams.heartbeat, '*', 'data', heartbeatData(providerId)).catch(() => undefined);
      const { rowCount } = await world.pool.query(
        'select from provider_heartbeats where provider_id = $1 and last_heartbeat is not null',
        [providerId],
      );
      return rowCount === 1;
    },
    { name: 'a heartbeat is heard', everyMs: 50 },
  );
}

async function registrationArrives(): Promise<void> {
  const providerId = newProviderId();
  await until(
    async () => {
      await stranger.xadd(streams.registration, '*', 'data', registrationData(providerId)).catch(() => undefined);
      return (await world.signals(providerId)).length > 0;
    },
    { name: 'a registration is told', everyMs: 200 },
  );
}

async function readsAndWrites(): Promise<void> {
  await heartbeatArrives();
  await registrationArrives();
}

/** A key of each kind, and what has to go on however somebody has spoilt it. */
const uses: Record<BrokerKey, { keys: () => string[] | Promise<string[]>; goesOn: (key: string) => Promise<unknown> }> =
  {
    messages: {
      keys: () => Object.values(streams),
      async goesOn(key) {
        await readsAndWrites();
        await until(async () => (await stranger.type(key)) === 'stream');
      },
    },
    deadLetters: {
      keys: () => [deadLetterStream(streams.registration)],
      async goesOn(key) {
        await until(async () => {
          const data = `{"provider_id":"${newProviderId()}","spec":7}`;
          await stranger.xadd(streams.registration, '*', 'data', data);
          await sleep(100);
          const letters = await stranger.xrevrange(key, '+', '-', 'COUNT', 20).catch(() => []);
          return letters.some(([, fields]) => fields.includes(data));
        });
      },
    },
    movedStream: {
      keys: () => [poisonedStream(streams.heartbeat, 1)],
      async goesOn(key) {
        await stranger.sadd(poisonedRegister(streams.heartbeat), key);
        await readsAndWrites();
        await until(async () => (await stranger.sismember(poisonedRegister(streams.heartbeat), key)) === 0);
      },
    },
    movedStreams: {
      keys: () => [poisonedRegister(streams.heartbeat)],
      async goesOn(key) {
        await readsAndWrites();
        await until(async () => (await stranger.exists(key)) === 0);
        expect(await stranger.ttl(streams.registration)).toBe(-1);
        await stranger.xadd(streams.heartbeat, largestId, 'data', 'poison');
        await heartbeatArrives();
        await until(async () => (await stranger.exists(key)) === 0);
      },
    },
    trimmed: {
      keys: () => [trimmedCounter],
      async goesOn() {
        await readsAndWrites();
        await until(async () => {
          const kept = await stranger.hgetall(trimmedCounter).catch(() => ({}));
          const names = Object.keys(kept).sort();
          return (
            names.join() === Object.values(streams).sort().join() &&
            Object.values(kept).every((one) => /^\d{1,15}$/.test(one))
          );
        });
        const seen = world.lines.length;
        await stranger.xadd(streams.capacity, '*', 'data', 'x');
        await stranger.xtrim(streams.capacity, 'MAXLEN', 0);
        await until(() => world.lines.slice(seen).some(({ msg }) => String(msg).includes('disappeared')));
      },
    },
    answers: {
      keys: () => [responseStream(`prov-${newProviderId()}`)],
      async goesOn(key) {
        const providerId = key.slice(responseStream('').length);
        await withdrawReplies(broker, providerId);
        expect(await readReplies(broker, providerId, '0')).toEqual([]);
        const entry = await publishReply(broker, providerId, { success: true, status: 'approved' });
        // Something may be written after it, too.
        await stranger.xadd(key, '*', 'data', '{}', 'origin', 'x');
        await stranger.xadd(key, '*', 'data', '{}', 'groups', '7');
        const delivered = ensureReplyDelivered(broker, providerId, entry, { timeoutMs: 50_000 });
        await stranger.xgroup('CREATE', key, 'agent-group', '$', 'MKSTREAM').catch(() => undefined);
        const got = await until(async () => {
          const read = (await stranger.xreadgroup(
            ...(['GROUP', 'agent-group', 'agent-1', 'COUNT', 10, 'STREAMS', key, '>'] as const),
          )) as [string, [string, string[]][]][] | null;
          const found = read?.[0]?.[1].find(([, fields]) => fields.includes('{"success":true,"status":"approved"}'));
          if (found !== undefined) await stranger.xack(key, 'agent-group', found[0]);
          return found;
        });
        expect(got).toBeDefined();
        expect(await delivered).toBe(true);
      },
    },
    keptSecret: {
      keys: () => [keptSecretKey('abcdef')],
      async goesOn() {
        expect(await keptSecret(broker, 'abcdef')).toBeUndefined();
        const sealed = `${'x'.repeat(59)}=`;
        expect(await keepSecret(broker, { tokenId: 'abcdef', sealed, ttlS: 60 })).toBe(true);
        expect(await keptSecret(broker, 'abcdef')).toBe(sealed);
      },
    },
    receipt: {
      async keys() {
        await createProviderIngress(broker).append(streams.capacity, sent);
        return await stranger.keys('provider:receipt:*');
      },
      async goesOn() {
        const ingress = createProviderIngress(broker);
        expect(await ingress.known(streams.capacity, sent)).toBeUndefined();
        const id = await ingress.append(streams.capacity, sent);
        expect(id).toMatch(/^\d+-\d+$/);
        expect([await ingress.known(streams.capacity, sent), await ingress.append(streams.capacity, sent)]).toEqual([
          id,
          id,
        ]);
      },
    },
    requestNonce: {
      keys: () => [requestNonceKey('0xkey', 'nonce')],
      async goesOn(key) {
        const nonces = createNonceStore(broker);
        // Never twice, whoever wrote over it.
        const isFresh = (await stranger.exists(key)) === 0;
        expect(await nonces.useNonce('0xkey', 'nonce', 100)).toBe(isFresh);
        expect(await nonces.useNonce('0xkey', newProviderId(), 100)).toBe(true);
      },
    },
    limit: {
      keys: () => ['limit:writes:0xwallet'],
      async goesOn(key) {
        const limiter = createLimiter({ config: { ...world.config, RATE_LIMIT_WRITES: 3 }, redis: broker });
        for (let at = 0; at < 3; at++) await limiter.caller('writes', '0xwallet');
        await expect(limiter.caller('writes', '0xwallet')).rejects.toMatchObject({ code: 'rate_limited' });
        expect(await stranger.pttl(key)).toBeGreaterThan(0);
      },
    },
  };
const sent = { data: '{"provider_id":"atlas"}', timestamp: '2026-01-01T00:00:00Z' };

/** What is as it should be although somebody else wrote it: for these nothing is to be reported. */
const unnoticed: Partial<Record<BrokerKey, RegExp>> = {
  requestNonce: /./,
  limit: /./,
  messages: /stream|nothing/,
  answers: /nothing/,
  keptSecret: /^nothing$/,
  receipt: /^nothing$/,
  deadLetters: /nonsense|nothing/,
  movedStream: /stream|nothing/,
  movedStreams: /^nothing$/,
  trimmed: /^nothing$|never/,
};

describe.each(Object.keys(brokerKeys) as BrokerKey[])('a stranger who writes to a %s key', (kind) => {
  test.each(Object.keys(attacks))(
    'a stranger who overwrites the key with %s harms nobody',
    async (name) => {
      const { keys, goesOn } = uses[kind];
      for (const key of await keys()) {
        await stranger.del(key);
        const before = await count();
        await overwrite(key, name);
        await goesOn(key);
        // It is counted a moment after it was put right.
        if (!unnoticed[kind]?.test(name)) await until(async () => (await count()) > before, { name: 'it is counted' });
      }
    },
    120_000,
  );
});

test('entries that somebody moved a consumer group past are delivered after all', async () => {
  for (const [stream, arrives] of [
    [streams.heartbeat, heartbeatArrives],
    [streams.registration, registrationArrives],
  ] as const) {
    const seen = world.lines.length;
    await stranger.xgroup('SETID', stream, brokerGroup, '9999999999999-0');
    await arrives();
    await until(() => world.lines.slice(seen).some(({ msg }) => String(msg).includes('moved the consumer group')));
  }
});

test('while entries disappear before they are read, the broker knows that it does not hear everything', async () => {
  await world.pool.query('delete from stream_losses');
  expect(await hasLostOfLate(world.pool, streams.heartbeat, 90)).toBe(false);
  await until(async () => {
    await stranger
      .multi()
      .xadd(streams.heartbeat, '*', 'data', 'x')
      .xadd(streams.heartbeat, 'MAXLEN', 0, '*', 'data', 'x')
      .exec();
    return await hasLostOfLate(world.pool, streams.heartbeat, 90);
  });
  expect(await hasLostOfLate(world.pool, streams.registration, 90)).toBe(false);
});

test('foreign data in Redis is logged once a minute for each kind', async () => {
  const [key] = await uses.receipt.keys();
  const lines: unknown[] = [];
  reportTo(broker, { error: (details: object) => lines.push(details) } as never);
  for (let at = 0; at < 3; at++) {
    await stranger.del(key!);
    await stranger.rpush(key!, 'x');
    await createProviderIngress(broker).known(streams.capacity, sent);
  }
  expect(lines).toEqual([{ kind: 'receipt', key }]);
});

test('the broker has no key in Redis that is not in the list', async () => {
  const names = await stranger.keys('*');
  const patterns = Object.values(brokerKeys).map(({ pattern }) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`));
  expect(names.filter((name) => !patterns.some((pattern) => pattern.test(name)))).toEqual([]);
  const sources = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' });
  const naming = sources
    .filter((file) => /^(redis|auth|api)\/.*\.ts$/.test(file) && !/redis\/(keys|stream-names)\.ts$/.test(file))
    .filter((file) => {
      const lines = readFileSync(join(packageRoot, 'src', file), 'utf8').split('\n');
      return lines.some((line) => !/^\s*(\*|\/)/.test(line) && /['`](?:auth|limit|broker|provider):\w+:/.test(line));
    });
  expect(naming).toEqual([]);
});
