import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { BrokerError } from '../../src/domain/errors.js';
import { createRedis } from '../../src/redis/connection.js';
import { poisonedRegister } from '../../src/wire/streams.js';
import { groupFigures } from '../../src/redis/streams/group.js';
import { StreamConsumer, type StreamConsumerOptions } from '../../src/redis/streams/consumer.js';
import { DeadLetters } from '../../src/redis/streams/dead-letters.js';
import type { Settlement } from '../../src/redis/streams/delivery.js';
import { StreamWatchdog } from '../../src/redis/streams/watchdog.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import type { StreamEntry } from '../../src/wire/stream-entry.js';

const stream = 'provider:registration';
const group = 'broker';
const logger = pino({ level: 'silent' });

let redis: TestRedis;
let shown: ShownMetrics;
let running: { stop(): Promise<void> }[] = [];
beforeAll(async () => {
  [redis, shown] = await Promise.all([freshRedis(), showMetrics()]);
});
beforeEach(() => redis.redis.flushdb());
afterEach(stopAll);
afterAll(async () => {
  await shown.stop();
  await redis.close();
});

async function stopAll(): Promise<void> {
  await Promise.all(running.map((each) => each.stop()));
  running = [];
}

const all = (entries: StreamEntry[]): Settlement => ({ done: entries.map(([id]) => id), dead: [], failed: [] });
const failing =
  (error: Error) =>
  (entries: StreamEntry[]): Settlement => ({
    ...{ done: [], dead: [] },
    failed: entries.map((entry) => ({ entry, error })),
  });
const add = (id = '*') => redis.redis.xadd(stream, id, 'data', 'x');

async function consume(receive: (entries: StreamEntry[]) => Settlement, options: Partial<StreamConsumerOptions> = {}) {
  const reader = createRedis(redis.config, { blocking: true, overrides: { db: redis.db } });
  const commands = redis.connect();
  const consumer = new StreamConsumer({
    ...{ stream, group, consumer: 'one', startAt: '0', batchSize: 10, lingerMs: 0, retentionMs: 3_600_000 },
    ...{ trimExactly: true, deadLetters: new DeadLetters(commands), logger, reader, commands },
    times: { everyMs: 50, abandonedAfterMs: 50, trimEveryMs: 3_600_000 },
    receive: async (entries) => receive(entries),
    ...options,
  });
  running.push(consumer);
  await until(() => consumer.ready().ok);
  return commands;
}

function watch(): void {
  const onMoved = () => undefined;
  running.push(new StreamWatchdog({ streams: [stream], group, commands: redis.redis, logger, onMoved, everyMs: 20 }));
}

const tomorrow = () => `${Date.now() + 86_400_000}-0`;

test.each<[string, () => Promise<unknown>]>([
  [
    `broker_stream_messages_total{stream="${stream}",outcome="done"}`,
    async () => {
      await consume(all);
      await add();
    },
  ],
  [
    `broker_stream_messages_total{stream="${stream}",outcome="failed"}`,
    async () => {
      await consume(failing(new Error('no')));
      await add();
    },
  ],
  [
    `broker_stream_messages_total{stream="${stream}",outcome="trimmed"}`,
    async () => {
      await redis.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
      const id = (await add())!;
      await redis.redis.xreadgroup('GROUP', group, 'died', 'COUNT', 1, 'STREAMS', stream, '>');
      await redis.redis.xdel(stream, id);
      await consume(all);
    },
  ],
  ...[
    `broker_stream_messages_total{stream="${stream}",outcome="dead"}`,
    `broker_dead_letters_total{stream="${stream}",reason="nonsense",written="yes"}`,
  ].map((series): [string, () => Promise<unknown>] => [
    series,
    async () => {
      await consume((entries) => ({
        ...{ done: [], failed: [] },
        dead: entries.map((entry) => ({ entry, reason: 'nonsense' })),
      }));
      await add();
    },
  ]),
  [
    `broker_stream_alarms_total{stream="${stream}",kind="group_lost"}`,
    async () => {
      await consume(all);
      await redis.redis.xgroup('DESTROY', stream, group);
      await add();
    },
  ],
  [
    `broker_stream_alarms_total{stream="${stream}",kind="poisoned"}`,
    async () => {
      await add(tomorrow());
      watch();
    },
  ],
  [
    `broker_stream_alarms_total{stream="${stream}",kind="replaced"}`,
    async () => {
      await redis.redis.set(stream, 'no stream');
      watch();
    },
  ],
  [
    'broker_redis_foreign_keys_total{kind="movedStreams"}',
    async () => {
      await redis.redis.set(poisonedRegister(stream), 'no register');
      watch();
    },
  ],
  [
    `broker_stream_upkeep_failures_total{stream="${stream}",step="measure"}`,
    async () => {
      const commands = await consume(all);
      commands.xinfo = () => Promise.reject(new Error('ERR no such command'));
    },
  ],
])('%s increases with each event that it counts', async (series, event) => {
  const before = await shown.of(series);
  await event();
  await until(async () => (await shown.of(series)) > before, { name: series });
});

const gauge = (name: string) => shown.of(`broker_stream_${name}{stream="${stream}"}`);
const becomes = (name: string, holds: (value: number) => boolean) =>
  until(async () => holds(await gauge(name)), { name: `broker_stream_${name}` });

test('a metric says that a relay waits for as long as a system behind it is away', async () => {
  let isAway = true;
  const away = failing(new BrokerError('dependency_unavailable', 'away'));
  await consume((entries) => (isAway ? away(entries) : all(entries)));
  await add();
  await becomes('paused', (paused) => paused === 1);
  isAway = false;
  await becomes('paused', (paused) => paused === 0);
});

test('entries that were read and not settled are pending, with their age, and unread entries are the lag', async () => {
  const minuteAgo = Date.now() - 60_000;
  await redis.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  for (let at = 0; at < 3; at++) await add(`${minuteAgo}-${at}`);
  expect(await groupFigures(redis.redis, { key: stream, group })).toEqual({ lag: 3, pending: 0 });
  await redis.redis.xreadgroup('GROUP', group, 'another', 'COUNT', 2, 'STREAMS', stream, '>');
  // Nobody claims the other consumer's entries, on which it may be working.
  await consume(all, { times: { everyMs: 50, abandonedAfterMs: 3_600_000, trimEveryMs: 3_600_000 } });
  await becomes('pending', (pending) => pending === 2);
  await becomes('lag', (lag) => lag === 0);
  expect(await gauge('oldest_pending_seconds')).toBeGreaterThanOrEqual(60);
  await redis.redis.xack(stream, group, `${minuteAgo}-0`, `${minuteAgo}-1`);
  await becomes('pending', (pending) => pending === 0);
  await becomes('oldest_pending_seconds', (ageS) => ageS === 0);
});

test('the clock of Redis is compared with that of the process', async () => {
  const now = Date.now;
  try {
    Date.now = () => now() - 30_000;
    watch();
    const skew = () => shown.of('broker_redis_clock_skew_seconds');
    await until(async () => (await skew()) > 25 && (await skew()) < 35, { name: 'the skew to be shown' });
  } finally {
    Date.now = now;
  }
});
