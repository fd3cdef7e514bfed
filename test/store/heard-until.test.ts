import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createRedis } from '../../src/redis/connection.js';
import { heardUntil } from '../../src/redis/streams/heard-until.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const stream = 'provider:heartbeat';
const group = 'broker';

let world: TestRedis;
beforeAll(async () => {
  world = await freshRedis();
});
beforeEach(() => world.redis.flushdb());
afterAll(() => world.close());

const beat = (secondsAgo: number) => world.redis.xadd(stream, `${Date.now() - secondsAgo * 1000}-*`, 'data', '{}');
const read = () => world.redis.xreadgroup('GROUP', group, 'relay', 'COUNT', 100, 'STREAMS', stream, '>');
const secondsBehind = async () => {
  const heard = await heardUntil(world.redis);
  return heard === undefined ? undefined : Math.round((heard.now.getTime() - heard.until.getTime()) / 1000);
};
/** Since that heartbeat, some moments have passed. */
async function expectBehind(seconds: number): Promise<void> {
  const behind = await secondsBehind();
  expect(behind).toBeGreaterThanOrEqual(seconds);
  expect(behind).toBeLessThan(seconds + 60);
}

test('everything is heard while nobody has sent anything', async () => {
  expect(await secondsBehind()).toBe(0);
});

test('nothing is known to be heard while nobody reads what was sent', async () => {
  await beat(10);
  expect(await secondsBehind()).toBeUndefined();
});

test('a relay that is behind has heard as far as it has read', async () => {
  await world.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await beat(300);
  await read();
  await world.redis.xack(stream, group, (await world.redis.xrange(stream, '-', '+'))[0]![0]);
  await beat(200);
  await expectBehind(300);
});

test('an entry counts as heard once it is settled, and a relay that has settled all is up to date', async () => {
  await world.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  const id = await beat(100);
  await read();
  await expectBehind(100);
  await world.redis.xack(stream, group, id!);
  expect(await secondsBehind()).toBe(0);
});

test('entries too old to be a sign of life hold nothing up', async () => {
  await world.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await beat(5_000);
  await read();
  expect(await secondsBehind()).toBe(600);
});

test('an entry id from the future is not heard before its time', async () => {
  await world.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await beat(-5_000);
  await read();
  expect(await secondsBehind()).toBe(0);
});

test('nothing is known to be heard by a group that somebody moved past everything', async () => {
  await world.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await beat(10);
  await world.redis.xgroup('SETID', stream, group, '9999999999999-0');
  expect(await secondsBehind()).toBeUndefined();
});

test('nothing is known to be heard while Redis is away', async () => {
  const away = createRedis(
    { ...world.config, REDIS_PORT: 1 },
    { blocking: false, overrides: { maxRetriesPerRequest: 0 } },
  );
  expect(await heardUntil(away)).toBeUndefined();
  away.disconnect();
});

test.each([300, -300])('a broker clock that is %i s off makes no relay late, and none up to date', async (offS) => {
  await world.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  const id = await beat(2);
  await read();
  const wall = Date.now;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => wall() + offS * 1_000);
  try {
    await expectBehind(2);
    await world.redis.xack(stream, group, id!);
    const heard = (await heardUntil(world.redis))!;
    expect(heard.until).toEqual(heard.now);
    expect(Math.abs(heard.now.getTime() - wall())).toBeLessThan(60_000);
  } finally {
    clock.mockRestore();
  }
});
