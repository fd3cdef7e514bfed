import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { BrokerError } from '../../src/domain/errors.js';
import { createRedis } from '../../src/redis/connection.js';
import { DeadLetters } from '../../src/redis/streams/dead-letters.js';
import { StreamConsumer, type StreamConsumerOptions } from '../../src/redis/streams/consumer.js';
import type { Settlement } from '../../src/redis/streams/delivery.js';
import { maxBatchBytes } from '../../src/redis/streams/batch.js';
import { dataOf, isTooLarge } from '../../src/redis/streams/entry.js';
import { poisonedRegister } from '../../src/wire/streams.js';
import { retireScript } from '../../src/redis/streams/scripts.js';
import { StreamWatchdog } from '../../src/redis/streams/watchdog.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import type { StreamEntry } from '../../src/wire/stream-entry.js';

const stream = 'provider:registration';
const group = 'broker';

let redis: TestRedis;
const running = new Set<{ stop(): Promise<void> }>();
const logged: { level: number; msg: string }[] = [];
const logger = pino(
  { level: 'info' },
  { write: (line) => logged.push(JSON.parse(line) as { level: number; msg: string }) },
);

beforeAll(async () => {
  redis = await freshRedis();
});
afterEach(async () => {
  await Promise.all([...running].map((each) => each.stop()));
  running.clear();
  logged.length = 0;
  await redis.redis.flushdb();
});
afterAll(() => redis.close());

const all = (entries: StreamEntry[]): Settlement => ({ done: entries.map(([id]) => id), dead: [], failed: [] });
const add = async (data: string, id = '*', key = stream) => (await redis.redis.xadd(key, id, 'data', data))!;
const pending = async (key = stream) => ((await redis.redis.xpending(key, group)) as [number])[0];
const textOf = ([, fields]: StreamEntry) => fields[1]!;
let consumers = 0;

/** A consumer that records the delivered texts in order. */
async function consume(
  options: Partial<StreamConsumerOptions> = {},
  receive: (entries: StreamEntry[], redelivered: boolean) => Settlement | Promise<Settlement> = all,
) {
  const texts: string[] = [];
  // The consumer closes it.
  const reader = createRedis(redis.config, { blocking: true, overrides: { db: redis.db } });
  const commands = redis.connect();
  const consumer = new StreamConsumer({
    ...{ stream, group, consumer: `consumer-${(consumers += 1)}`, startAt: '0', batchSize: 10, lingerMs: 0 },
    ...{ retentionMs: 3_600_000, trimExactly: true, deadLetters: new DeadLetters(commands), logger },
    ...options,
    times: { everyMs: 100, abandonedAfterMs: 100, trimEveryMs: 3_600_000, ...options.times },
    reader,
    commands,
    async receive(entries, redelivered) {
      texts.push(...entries.map(textOf));
      return await receive(entries, redelivered);
    },
  });
  running.add(consumer);
  await until(() => consumer.ready().ok);
  return { consumer, texts, reader, commands };
}

function watch(onMoved: (stream: string) => void = () => undefined): StreamWatchdog {
  const watchdog = new StreamWatchdog({
    streams: [stream],
    group,
    commands: redis.redis,
    logger,
    onMoved,
    everyMs: 50,
  });
  running.add(watchdog);
  return watchdog;
}

test('a group deleted under a running consumer is created again, and no message is missed', async () => {
  const { texts } = await consume();
  await add('before');
  await until(() => texts.includes('before'));
  await redis.redis.xgroup('DESTROY', stream, group);
  await add('after');
  await until(() => texts.includes('after'));
  await until(async () => (await pending()) === 0);
});

test('the relay continues with the next messages after FLUSHDB', async () => {
  const { texts } = await consume();
  await add('before');
  await until(() => texts.includes('before'));
  await redis.redis.flushdb();
  await add('after');
  await until(() => texts.includes('after'));
});

test('a broken connection loses no message', async () => {
  const { texts, reader } = await consume();
  const id = await reader.client('ID').catch(() => undefined);
  for (let i = 0; i < 20; i++) {
    await add(`message ${i}`);
    if (i % 5 === 0) await redis.redis.client('KILL', 'ID', id ?? 0).catch(() => undefined);
    if (i % 7 === 0) reader.disconnect(true);
  }
  await until(async () => texts.length >= 20 && (await pending()) === 0);
  expect(new Set(texts).size).toBe(20);
});

test('entries delivered to a dead connection are delivered again', async () => {
  // Only this consumer may claim it.
  const { texts, consumer, reader } = await consume({ consumer: 'same', times: { abandonedAfterMs: 3_600_000 } });
  await consumer.stop();
  running.delete(consumer);
  await add('lost on the way');
  await redis.redis.xreadgroup('GROUP', group, 'same', 'COUNT', 1, 'STREAMS', stream, '>');
  expect(texts).toEqual([]);
  expect(reader.status).toBe('end');
  const again = await consume({ consumer: 'same', times: { abandonedAfterMs: 3_600_000 } });
  await until(() => again.texts.includes('lost on the way'));
});

test('entries of a dead consumer are claimed, and only then is its name deleted', async () => {
  await redis.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await add('left behind');
  await redis.redis.xreadgroup('GROUP', group, 'died', 'COUNT', 1, 'STREAMS', stream, '>');
  const { texts } = await consume({ times: { idleConsumerMs: 1 } });
  await until(() => texts.includes('left behind'));
  await until(async () => ((await redis.redis.xinfo('CONSUMERS', stream, group)) as unknown[]).length === 1);
});

test('a message that always fails becomes a dead letter after five deliveries and blocks nobody', async () => {
  const { texts } = await consume({}, (entries) => ({
    done: entries.filter((entry) => textOf(entry) !== 'bad').map(([id]) => id),
    dead: [],
    failed: entries.filter((entry) => textOf(entry) === 'bad').map((entry) => ({ entry, error: new Error('no') })),
  }));
  const bad = await add('bad');
  await add('good');
  const [[, fields]] = await until(async () => {
    const letters = await redis.redis.xrange(`${stream}:dlq`, '-', '+');
    return letters.length > 0 && (letters as [[string, string[]]]);
  });
  expect(fields).toEqual(['orig_id', bad, 'reason', 'failed', 'deliveries', '5', 'data', 'bad']);
  expect(texts.filter((text) => text === 'bad')).toHaveLength(5);
  expect(texts.filter((text) => text === 'good')).toHaveLength(1);
  expect(await pending()).toBe(0);
});

test('a message that crashes one consumer after the other becomes a dead letter unread, and takes no other with it', async () => {
  await redis.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  const ids = [await add('one'), await add('deadly'), await add('three')];
  await redis.redis.xreadgroup('GROUP', group, 'died', 'COUNT', 3, 'STREAMS', stream, '>');
  await redis.redis.xclaim(stream, group, 'died', 0, ids[1]!, 'RETRYCOUNT', 10, 'JUSTID');
  const { texts } = await consume();
  await until(async () => (await pending()) === 0);
  expect(texts).toEqual(['one', 'three']);
  const [[, fields]] = (await redis.redis.xrange(`${stream}:dlq`, '-', '+')) as [[string, string[]]];
  expect(fields.slice(0, 4)).toEqual(['orig_id', ids[1], 'reason', 'delivered_too_often']);
});

test('an outage does not count against a message, however long it lasts', async () => {
  let away = true;
  const { texts, consumer } = await consume({}, (entries) =>
    away
      ? {
          done: [],
          dead: [],
          failed: entries.map((entry) => ({ entry, error: new BrokerError('dependency_unavailable', 'x') })),
        }
      : all(entries),
  );
  const id = await add('patient');
  // As if there had been many attempts; a single attempt resets this.
  await until(() => texts.length > 0);
  await redis.redis.xclaim(stream, group, 'other', 0, id, 'RETRYCOUNT', 9, 'JUSTID');
  await until(async () => {
    const [row] = (await redis.redis.xpending(stream, group, '-', '+', 1)) as [string, string, number, number][];
    return row![1] !== 'other' && row![3] === 0;
  });
  await until(() => consumer.ready().detail === 'paused: x', { name: 'it says that it waits' });
  away = false;
  await until(async () => (await pending()) === 0);
  expect(await redis.redis.exists(`${stream}:dlq`)).toBe(0);
});

test('nothing is read while a dependency is away: the stream is the buffer', async () => {
  const { texts, consumer } = await consume({ batchSize: 2 }, (entries) => ({
    done: [],
    dead: [],
    failed: entries.map((entry) => ({ entry, error: new BrokerError('dependency_unavailable', 'x') })),
  }));
  await add('first');
  await until(() => !consumer.ready().ok);
  for (let i = 0; i < 20; i++) await add(`waits ${i}`);
  await until(() => texts.filter((text) => text === 'first').length >= 3);
  // A batch may have been in progress when the outage began.
  expect(await pending()).toBeLessThanOrEqual(3);
});

test('a message removed before it took effect is dropped from the pending ones', async () => {
  await redis.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  const id = await add('removed');
  await redis.redis.xreadgroup('GROUP', group, 'same', 'COUNT', 1, 'STREAMS', stream, '>');
  await redis.redis.xdel(stream, id);
  const { texts } = await consume({ consumer: 'same', times: { abandonedAfterMs: 3_600_000 } });
  await until(async () => (await pending()) === 0);
  expect(texts).toEqual([]);
});

test('acknowledged messages are removed from the stream, and others stay', async () => {
  await consume({ times: { trimEveryMs: 50 } }, (entries) => ({
    done: entries.filter((entry) => textOf(entry) !== 'kept').map(([id]) => id),
    dead: [],
    failed: [],
  }));
  for (const text of ['gone', 'gone', 'kept', 'gone behind']) await add(text);
  await until(async () => (await redis.redis.xlen(stream)) === 2);
  const left = await redis.redis.xrange(stream, '-', '+');
  expect(left.map(textOf)).toEqual(['kept', 'gone behind']);
});

test('a message past its retention is removed although nobody has read it', async () => {
  await redis.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await add('old', `${Date.now() - 7_200_000}-0`);
  await redis.redis.xreadgroup('GROUP', group, 'died', 'COUNT', 1, 'STREAMS', stream, '>');
  await consume({ times: { trimEveryMs: 50, abandonedAfterMs: 3_600_000 } });
  await until(async () => (await redis.redis.xlen(stream)) === 0);
});

test('a consumer that stops finishes the messages it has read, and leaves no consumer and nothing pending', async () => {
  let settle: (() => void) | undefined;
  const { consumer, texts } = await consume({}, async (entries) => {
    await new Promise<void>((resolve) => (settle = resolve));
    return all(entries);
  });
  await add('under way');
  await until(() => settle !== undefined);
  const stopped = consumer.stop();
  running.delete(consumer);
  await add('too late');
  settle!();
  await stopped;
  expect(texts).toEqual(['under way']);
  expect(await pending()).toBe(0);
  expect(await redis.redis.xinfo('CONSUMERS', stream, group)).toEqual([]);
});

test.each([
  ['an hour ahead', () => `${Date.now() + 3_600_000}-0`],
  ['a minute ahead', () => `${Date.now() + 60_000}-0`],
  ['the largest there is', () => '18446744073709551615-18446744073709551615'],
])('a stream whose last id is %s is moved aside: what is in it is read, and new messages arrive', async (_, id) => {
  const { texts, consumer } = await consume({ times: { everyMs: 3_600_000 } }, async (entries) => {
    await sleep(20);
    return all(entries);
  });
  await until(async () => (await redis.redis.exists(stream)) === 1);
  const transaction = redis.redis.multi();
  for (let i = 0; i < 30; i++) transaction.xadd(stream, '*', 'data', `before ${i}`);
  transaction.xadd(stream, id(), 'data', 'poison');
  await transaction.exec();
  watch(() => consumer.checkAgain());
  await until(async () => {
    await add('after');
    const last = ((await redis.redis.xinfo('STREAM', stream)) as unknown[]).map(String);
    return Number(last[last.indexOf('last-generated-id') + 1]!.split('-')[0]) <= Date.now();
  });
  await until(
    () =>
      texts.includes('after') &&
      texts.includes('poison') &&
      texts.filter((text) => text.startsWith('before')).length >= 30,
  );
  await until(async () => (await redis.redis.scard(poisonedRegister(stream))) === 0);
  const [moved] = await redis.redis.keys(`${stream}:poisoned:*`);
  expect(await redis.redis.ttl(moved!)).toBeGreaterThan(86_400);
  expect(await pending(moved)).toBe(0);
  expect(logged).toContainEqual(expect.objectContaining({ level: 50, msg: expect.stringContaining('moved aside') }));
});

test('a moved stream is removed only once all its entries are read and acknowledged', async () => {
  const [moved, register] = [`${stream}:poisoned:1`, poisonedRegister(stream)];
  const retire = () => redis.redis.eval(retireScript, 2, moved, register, group, 1, 3_600);
  await redis.redis.sadd(register, moved);
  await redis.redis.xgroup('CREATE', moved, group, '0', 'MKSTREAM');
  for (const text of ['one', 'two', 'three']) await add(text, '*', moved);
  const left = async () => [
    await redis.redis.xlen(moved),
    await redis.redis.scard(register),
    await redis.redis.ttl(moved),
  ];
  expect(await retire()).toBe(0);
  await redis.redis.xreadgroup('GROUP', group, 'died', 'COUNT', 3, 'STREAMS', moved, '>');
  expect(await retire()).toBe(0);
  const ids = (await redis.redis.xrange(moved, '-', '+')).map(([id]) => id);
  await redis.redis.xack(moved, group, ids[0]!, ids[1]!);
  expect(await retire()).toBe(0);
  expect(await left()).toEqual([3, 1, -1]);
  await redis.redis.xack(moved, group, ids[2]!);
  expect(await retire()).toBe(1);
  expect((await left()).slice(0, 2)).toEqual([1, 0]);
  expect(await redis.redis.ttl(moved)).toBeGreaterThan(3_000);
});

test('foreign data at a stream’s key is moved aside, and messages arrive again', async () => {
  const { texts } = await consume();
  await redis.redis.set(stream, 'not a stream');
  watch();
  await until(async () => (await add('after').catch(() => undefined)) !== undefined);
  await until(() => texts.includes('after'));
});

test('a stream that somebody empties is reported, and trimming by relays is not', async () => {
  const { texts, commands } = await consume({ times: { trimEveryMs: 50 } });
  await add('one');
  watch();
  await until(() => commands.hexists('broker:streams:trimmed', stream).then(Boolean));
  for (const text of ['two', 'three', 'four']) await add(text);
  await until(async () => texts.length === 4 && (await redis.redis.xlen(stream)) === 0);
  await sleep(200);
  expect(logged.filter(({ level }) => level >= 50)).toEqual([]);
  await redis.redis.xadd(stream, 'MAXLEN', 0, '*', 'data', 'emptied');
  await until(() => logged.some(({ level, msg }) => level === 50 && msg.includes('disappeared')));
});

test('a batch never exceeds what a relay can hold, however large its entries are and whoever had them before', async () => {
  const weights: number[] = [];
  const data = 'x'.repeat(65_536);
  const entries = 1_000;
  for (let at = 0; at < entries; at += 100) await Promise.all(Array.from({ length: 100 }, () => add(data)));
  // A consumer that died held half of them.
  await redis.redis.xgroup('CREATE', stream, group, '0');
  await redis.redis.xreadgroup('GROUP', group, 'died', 'COUNT', entries / 2, 'STREAMS', stream, '>');
  const { texts } = await consume({ batchSize: 5_000 }, (batch) => {
    weights.push(batch.reduce((sum, entry) => sum + textOf(entry).length, 0));
    return all(batch);
  });
  await until(async () => texts.length >= entries && (await pending()) === 0);
  expect(texts).toHaveLength(entries);
  expect(Math.max(...weights)).toBeLessThanOrEqual(maxBatchBytes);
  expect(Math.max(...weights)).toBeGreaterThan(maxBatchBytes / 2);
});

test('only as much of a too large entry leaves Redis as is needed to recognize it', async () => {
  const given: StreamEntry[] = [];
  await add('é'.repeat(2_000_000));
  await redis.redis.xadd(stream, '*', 'data', 'small', 'more', 'y'.repeat(3_000_000));
  await redis.redis.xadd(stream, '*', 'other', 'y'.repeat(3_000_000));
  await add('fine');
  await consume({}, (batch) => {
    given.push(...batch);
    return all(batch);
  });
  await until(async () => given.length === 4 && (await pending()) === 0);
  expect(given.map(([, fields]) => isTooLarge(fields, dataOf(fields) ?? ''))).toEqual([true, true, false, false]);
  expect(given.map(([, fields]) => dataOf(fields) === undefined)).toEqual([false, false, true, false]);
  expect(Math.max(...given.map(([, fields]) => fields.join('').length))).toBeLessThan(140_000);
});
