import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import { bootstrapTokenExists } from '../../src/kubernetes/bootstrap-tokens.js';
import { connectKubernetes } from '../../src/kubernetes/client.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { until } from '../support/until.js';

let broker: RunningBroker;
beforeAll(async () => {
  broker = await startBroker({ PROVIDER_AUTH_MODE: 'off' });
}, 900_000);
afterAll(() => broker.stop(), 60_000);

const machines = 300;
/** One after the other, while machines wait for their answers. */
const kills = ['worker', 'relay', 'worker', 'postgres', 'relay', 'worker'];

interface Reply {
  success: boolean;
  join_token: string;
  node_name: string;
}

/** Registers all of them at once, each with a group that listens already. */
async function registerAll(redis: Redis, ids: readonly string[]): Promise<void> {
  const messages = redis.pipeline();
  for (const providerId of ids) messages.xgroup('CREATE', responseStream(providerId), 'agent', '$', 'MKSTREAM');
  for (const providerId of ids) {
    const data = JSON.stringify(registrationMessage(simulatedMachine({ providerId })));
    messages.xadd(streams.registration, '*', 'data', data, 'timestamp', 'now');
  }
  await messages.exec();
}

/** Reads until each of them has an answer. @returns the last one of each. */
async function answersOf(redis: Redis, ids: readonly string[]): Promise<Map<string, Reply>> {
  const answers = new Map<string, Reply>();
  const idOf = new Map(ids.map((providerId) => [responseStream(providerId), providerId]));
  await until(
    async () => {
      const open = ids.filter((providerId) => !answers.has(providerId)).map(responseStream);
      const read = (await redis.xreadgroup(
        ...(['GROUP', 'agent', 'agent', 'BLOCK', 5_000, 'STREAMS', ...open, ...open.map(() => '>')] as const),
      )) as [string, [string, string[]][]][] | null;
      for (const [stream, entries] of read ?? []) {
        for (const [id, fields] of entries) {
          await redis.xack(stream, 'agent', id);
          answers.set(idOf.get(stream)!, JSON.parse(fields[fields.indexOf('data') + 1]!) as Reply);
        }
      }
      return answers.size === ids.length;
    },
    { timeoutMs: 400_000, budgetMs: 90_000 },
  );
  return answers;
}

test('of hundreds of machines that register while processes are killed, each gets one join command of its own', async () => {
  const { redis: url, postgres, kubeconfig } = broker.endpoints;
  const redis = new Redis(url, { maxRetriesPerRequest: null, enableReadyCheck: false });
  const db = new pg.Pool({ connectionString: postgres!, max: 2 });
  db.on('error', () => undefined);
  try {
    const ids = Array.from({ length: machines }, (_, index) => `storm-${index}`);
    await registerAll(redis, ids);
    const answering = answersOf(redis, ids);
    for (const name of kills) {
      await sleep(1_500);
      broker.stack.kill(name);
    }
    const answers = await answering;
    const nodeNames = ids.map((providerId) => answers.get(providerId)!.node_name);
    expect(nodeNames).toEqual(ids.map((providerId) => `p-${providerId}-1`));

    const rows = async (text: string) => (await db.query<Record<string, string>>(text)).rows;
    const untold = `select from provider_registrations where signalled_at is null`;
    await until(async () => (await rows(untold)).length === 0, { timeoutMs: 200_000, budgetMs: 60_000 });
    const tokens = await rows(`select provider_id, token_id from join_tokens where deleted_at is null`);
    const given = ids.map((providerId) => `${providerId} ${answers.get(providerId)!.join_token.split('.')[0]}`);
    expect(tokens.map(({ provider_id, token_id }) => `${provider_id} ${token_id}`).sort()).toEqual(given.sort());
    const nodes = await rows(`select provider_id from provider_nodes where left_at is null`);
    expect(nodes.map(({ provider_id }) => provider_id).sort()).toEqual([...ids].sort());
    expect(await rows(`select distinct status from providers`)).toEqual([{ status: 'approved' }]);

    const kubernetes = connectKubernetes({ KUBECONFIG: kubeconfig! });
    for (const { provider_id, token_id } of tokens) {
      expect([token_id, await bootstrapTokenExists(kubernetes, token_id!, provider_id!)]).toEqual([token_id, true]);
    }
  } finally {
    redis.disconnect();
    await db.end();
  }
}, 900_000);
