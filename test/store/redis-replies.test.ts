import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  ensureReplyDelivered,
  findReply,
  publishRejection,
  publishReply,
  replyDelivery,
} from '../../src/redis/join-answers/join-answers.js';
import { responseStream } from '../../src/wire/streams.js';
import { freshRedis, until, type TestRedis } from '../support/redis.js';

let database: TestRedis;
let redis: Redis;
beforeAll(async () => {
  database = await freshRedis();
  redis = database.redis;
});
afterAll(() => database.close());

const reply = (token: string) => ({ success: true, status: 'approved', join_token: `${token}.0123456789abcdef` });
const answerTo = (text: string | undefined) => JSON.parse(text ?? '{}') as { join_token?: string; message?: string };
let last = 0;
const newProvider = () => `prov-${(last += 1)}`;

/** The second half of the public agent, command for command: its group begins at `$`, then it reads one entry. */
async function listen(agent: Redis, id: string, { group = 'agent-group', ack = true, blockMs = 10_000 } = {}) {
  const stream = responseStream(id);
  await agent.xgroup('CREATE', stream, group, '$', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
  return await read(agent, id, { group, ack, blockMs });
}

async function read(agent: Redis, id: string, { group = 'agent-group', ack = true, blockMs = 10_000 } = {}) {
  const stream = responseStream(id);
  const result = (await agent.xreadgroup(
    'GROUP',
    group,
    'agent-1',
    'COUNT',
    1,
    'BLOCK',
    blockMs,
    'STREAMS',
    stream,
    '>',
  )) as [string, [string, string[]][]][] | null;
  const entry = result?.[0]?.[1][0];
  if (entry === undefined) return undefined;
  if (ack) await agent.xack(stream, group, entry[0]);
  return entry[1][entry[1].indexOf('data') + 1];
}

describe('the reply race', () => {
  /** A broker that answers as soon as it sees a registration. */
  async function instantBroker() {
    // Not `$`: an entry published between two reads would be in neither.
    const [last] = await redis.xrevrange('provider:registration', '+', '-', 'COUNT', 1);
    const reader = database.connect(true);
    const stopping = new AbortController();
    const deliveries: Promise<boolean>[] = [];
    const running = (async () => {
      let after = last?.[0] ?? '0';
      while (!stopping.signal.aborted) {
        const result = await reader.xread('COUNT', 100, 'BLOCK', 200, 'STREAMS', 'provider:registration', after);
        for (const [entryId, fields] of result?.[0]?.[1] ?? []) {
          after = entryId;
          const { id, token } = JSON.parse(fields[1]!) as { id: string; token: string };
          const published = await publishReply(redis, id, reply(token));
          deliveries.push(ensureReplyDelivered(redis, id, published, { timeoutMs: 15_000 }));
        }
      }
    })();
    return {
      deliveries,
      async stop() {
        await Promise.all(deliveries);
        stopping.abort();
        await running;
      },
    };
  }
  const register = (agent: Redis, id: string, token: string) =>
    agent.xadd('provider:registration', '*', 'data', JSON.stringify({ id, token }));

  test('an agent that publishes and then listens gets its reply, 200 times in a row', async () => {
    const broker = await instantBroker();
    const agent = database.connect(true);
    await sleep(50);
    for (let round = 0; round < 200; round += 1) {
      const id = newProvider();
      await register(agent, id, `t${round}`);
      expect(answerTo(await listen(agent, id)).join_token).toContain(`t${round}.`);
    }
    await broker.stop();
    expect(await Promise.all(broker.deliveries)).toEqual(Array(200).fill(true));
  });

  test('an agent that registers again and again with one group gets the newest reply each time', async () => {
    const broker = await instantBroker();
    const agent = database.connect(true);
    const id = newProvider();
    await sleep(50);
    for (let round = 0; round < 200; round += 1) {
      await register(agent, id, `t${round}`);
      expect(answerTo(await listen(agent, id)).join_token).toContain(`t${round}.`);
    }
    await broker.stop();
  });

  test('100 concurrent agents each get their own reply', async () => {
    const broker = await instantBroker();
    await sleep(50);
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const agent = database.connect(true);
        const id = newProvider();
        await register(agent, id, `t${index}`);
        await sleep(Math.random() * 300);
        expect(answerTo(await listen(agent, id)).join_token).toContain(`t${index}.`);
        agent.disconnect();
      }),
    );
    await broker.stop();
  });

  test.each([0, 1, 10, 500, 3_000])('an agent that listens %i ms after the reply gets it', async (delayMs) => {
    const agent = database.connect(true);
    const id = newProvider();
    const delivered = ensureReplyDelivered(redis, id, await publishReply(redis, id, reply('late')), {
      timeoutMs: 20_000,
    });
    await sleep(delayMs);
    expect(answerTo(await listen(agent, id)).join_token).toContain('late.');
    expect(await delivered).toBe(true);
  });

  test.each([0, 1, 10, 500])('an agent that listened %i ms before the reply gets it once', async (aheadMs) => {
    const agent = database.connect(true);
    const id = newProvider();
    await redis.xgroup('CREATE', responseStream(id), 'agent-group', '$', 'MKSTREAM');
    const listening = listen(agent, id);
    await sleep(aheadMs);
    const delivered = ensureReplyDelivered(redis, id, await publishReply(redis, id, reply('early')), {
      timeoutMs: 20_000,
    });
    expect(answerTo(await listening).join_token).toContain('early.');
    expect(await delivered).toBe(true);
    expect(await read(agent, id, { blockMs: 100 })).toBeUndefined();
  });
});

describe('a reply', () => {
  test('a reply is found by its token’s id, whichever copy the stream holds', async () => {
    const id = newProvider();
    const first = await publishReply(redis, id, reply('abcdef'));
    expect(await findReply(redis, id, 'abcdef')).toBe(first);
    expect(await findReply(redis, id, 'abcde')).toBeUndefined();
    const agent = database.connect(true);
    const delivered = ensureReplyDelivered(redis, id, first, { timeoutMs: 20_000 });
    await redis.xgroup('CREATE', responseStream(id), 'agent-group', '$');
    await until(async () => (await findReply(redis, id, 'abcdef')) !== first);
    expect(answerTo(await listen(agent, id)).join_token).toContain('abcdef.');
    expect(await delivered).toBe(true);
    expect(await redis.ttl(responseStream(id))).toBeGreaterThan(800);
  });

  test('a reply replaces an older one, whose delivery ends', async () => {
    const id = newProvider();
    const agent = database.connect(true);
    const older = replyDelivery(redis, id, await publishReply(redis, id, reply('older0')), { timeoutMs: 10_000 });
    const newer = ensureReplyDelivered(redis, id, await publishReply(redis, id, reply('newer0')), {
      timeoutMs: 10_000,
    });
    expect(await older).toBe('superseded');
    expect(answerTo(await listen(agent, id)).join_token).toContain('newer0.');
    expect(await newer).toBe(true);
  });

  test('a reply reaches the agent’s current group although an old group never reads', async () => {
    const id = newProvider();
    const agent = database.connect(true);
    await redis.xgroup('CREATE', responseStream(id), 'agent-group', '$', 'MKSTREAM');
    const delivered = ensureReplyDelivered(redis, id, await publishReply(redis, id, reply('moved0')), {
      timeoutMs: 10_000,
    });
    await sleep(20);
    expect(answerTo(await listen(agent, id, { group: 'sdk-group' })).join_token).toContain('moved0.');
    expect(await delivered).toBe(true);
  });

  test('a reply is published again when the agent that read it died before it acknowledged', async () => {
    const id = newProvider();
    const [dying, restarted] = [database.connect(true), database.connect(true)];
    const delivered = ensureReplyDelivered(redis, id, await publishReply(redis, id, reply('again0')), {
      timeoutMs: 15_000,
    });
    expect(answerTo(await listen(dying, id, { ack: false })).join_token).toContain('again0.');
    dying.disconnect();
    expect(answerTo(await listen(restarted, id)).join_token).toContain('again0.');
    expect(await delivered).toBe(true);
  });

  test('a reply is published again when its stream is deleted before an agent has read it', async () => {
    const id = newProvider();
    const agent = database.connect(true);
    const delivered = ensureReplyDelivered(redis, id, await publishReply(redis, id, reply('flush0')), {
      timeoutMs: 15_000,
    });
    await sleep(30);
    await redis.flushdb();
    expect(answerTo(await listen(agent, id)).join_token).toContain('flush0.');
    expect(await delivered).toBe(true);
  });

  test('a reply survives killed connections', async () => {
    const id = newProvider();
    const [agent, broker] = [database.connect(true), database.connect()];
    const published = await publishReply(broker, id, reply('killed'));
    const delivered = ensureReplyDelivered(broker, id, published, { timeoutMs: 15_000 });
    await sleep(20);
    const killing = (async () => {
      for (let round = 0; round < 5; round += 1) {
        await redis.call('CLIENT', 'KILL', 'ID', String(await broker.client('ID')));
        await sleep(100);
      }
    })();
    await sleep(200);
    expect(answerTo(await listen(agent, id)).join_token).toContain('killed.');
    expect(await delivered).toBe(true);
    await killing;
  });

  test('a reply that nobody reads in time is withdrawn', async () => {
    const id = newProvider();
    let heartbeats = 0;
    const published = await publishReply(redis, id, reply('nobody'));
    const delivered = await ensureReplyDelivered(redis, id, published, {
      timeoutMs: 3_000,
      onHeartbeat: () => (heartbeats += 1),
    });
    expect(delivered).toBe(false);
    expect(heartbeats).toBeGreaterThan(3);
    expect(await redis.xlen(responseStream(id))).toBe(0);
  });

  test('a reply stays when the wait for it is cancelled', async () => {
    const id = newProvider();
    const stopping = new AbortController();
    const published = await publishReply(redis, id, reply('cancel'));
    const delivered = ensureReplyDelivered(redis, id, published, { timeoutMs: 10_000, signal: stopping.signal });
    stopping.abort(new Error('stopped'));
    await expect(delivered).rejects.toThrow('stopped');
    expect(await findReply(redis, id, 'cancel')).toBe(published);
  });

  test('a reply is not displaced by a rejection', async () => {
    const id = newProvider();
    await publishReply(redis, id, reply('stays0'));
    expect(await publishRejection(redis, id, 'not like this')).toBeUndefined();
    expect(await findReply(redis, id, 'stays0')).toBeDefined();
    const other = newProvider();
    const agent = database.connect(true);
    const rejection = await publishRejection(redis, other, 'not like this');
    const delivered = ensureReplyDelivered(redis, other, rejection!, { timeoutMs: 20_000 });
    expect(answerTo(await listen(agent, other)).message).toBe('not like this');
    expect(await delivered).toBe(true);
  });

  test('a reply and its copies last exactly as long as the join token is valid', async () => {
    const id = newProvider();
    for (const ttlS of [60, 86_400]) {
      const published = await publishReply(redis, id, reply('timed0'), { ttlS });
      expect(await redis.ttl(responseStream(id))).toBeGreaterThan(ttlS - 10);
      expect(await redis.ttl(responseStream(id))).toBeLessThanOrEqual(ttlS);
      // After half of its time, an agent comes that needs a copy.
      await redis.expire(responseStream(id), ttlS / 2);
      const agent = database.connect(true);
      const group = `agent-${ttlS}`;
      await redis.xgroup('CREATE', responseStream(id), group, '$');
      const delivered = ensureReplyDelivered(redis, id, published, { timeoutMs: 10_000 });
      expect(answerTo(await listen(agent, id, { group, ack: false })).join_token).toContain('timed0');
      expect(await redis.ttl(responseStream(id))).toBeLessThanOrEqual(ttlS / 2);
      expect(await redis.ttl(responseStream(id))).toBeGreaterThan(ttlS / 2 - 10);
      expect(await delivered).toBe(true);
    }
  });

  test('a reply is published even if its key holds foreign data', async () => {
    const id = newProvider();
    await redis.set(responseStream(id), 'text');
    expect(await publishReply(redis, id, reply('first0'))).toBeDefined();
    await redis.xadd(responseStream(id), '18446744073709551615-18446744073709551615', 'data', '');
    const published = await publishReply(redis, id, reply('second'));
    expect(await findReply(redis, id, 'second')).toBe(published);
  });
});
