import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { silent } from '../../engines/log.js';
import { Ports } from '../../engines/ports.js';
import { findRedis } from '../../engines/tools/redis.js';
import { createRedis } from '../../src/redis/connection.js';
import { until } from '../support/until.js';

const keys = 6_000;
/** The delay per key while Redis loads: four seconds in total; it answers after each thousand keys. */
const delayUs = 700;

let folder: string;
let port: number;
let end: () => Promise<void>;

/** @param args further settings of the server. */
async function start(...args: string[]): Promise<void> {
  const tool = await findRedis(silent);
  const server = spawn(
    tool.path,
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', ...args],
    { env: { ...process.env, ...tool.env }, stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  end = async () => {
    server.kill('SIGKILL');
    await ended;
  };
}

/** The first reply of the server. */
async function ping(): Promise<string> {
  const redis = new Redis({ port, enableReadyCheck: false, retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  const answer = await redis.ping().catch((error: Error) => error.message);
  redis.disconnect();
  return answer;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redis-loading-'));
  port = await new Ports(join(folder, 'ports.json')).take('redis');
  await start();
});
afterAll(async () => {
  await end();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['a user who may ask Redis for its state', true],
  ['an agent, which may not', false],
])('a command sent to Redis while it loads its data takes effect once it has loaded, sent by %s', async (_, mayAsk) => {
  const config = { REDIS_HOST: '127.0.0.1', REDIS_PORT: port, REDIS_TLS: false };
  const [writer, blocked] = [false, true].map((blocking) =>
    // On a busy machine, Redis takes longer to load than a command usually may.
    createRedis(config, {
      blocking,
      overrides: { enableReadyCheck: mayAsk, ...(blocking ? {} : { commandTimeout: 60_000 }) },
    }),
  ) as [Redis, Redis];
  try {
    await writer.eval(`for i = 1, ${keys} do redis.call('set', 'key' .. i, i) end`, 0);
    await end();
    await start('--key-load-delay', String(delayUs));
    await until(async () => (await ping()).startsWith('LOADING'), { everyMs: 20, name: 'Redis reads its data' });
    const read = blocked.xread('BLOCK', 0, 'STREAMS', 'stream', '0');
    const id = await writer.xadd('stream', '*', 'of', String(mayAsk));
    expect(await ping()).toBe('PONG');
    expect(await read).toContainEqual(['stream', expect.arrayContaining([[id, ['of', String(mayAsk)]]])]);
    expect(await writer.xlen('stream')).toBe(1);
    await writer.del('stream');
  } finally {
    writer.disconnect();
    blocked.disconnect();
  }
});
