import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import { startBroker, type RunningBroker } from '../support/broker.js';

let broker: RunningBroker;
beforeAll(async () => {
  // The agents of the field do not sign.
  broker = await startBroker({ PROVIDER_AUTH_MODE: 'off' });
}, 900_000);
afterAll(() => broker.stop(), 60_000);

interface Reply {
  success: boolean;
  join_command: string;
}

/** How often an agent reads. The public one reads twice and registers again; a busy machine is no lost answer. */
const reads = 8;

/** The public agent, command for command: it publishes, then makes its group at `$`, then reads with a block of 30 s. */
async function registerAsTheFieldDoes(agent: Redis, providerId: string): Promise<Reply | undefined> {
  const stream = `provider:response:${providerId}`;
  await agent.xadd(
    'provider:registration',
    '*',
    'data',
    JSON.stringify(registrationMessage(simulatedMachine({ providerId }))),
    'timestamp',
    'now',
  );
  await agent.xgroup('CREATE', stream, 'agent-group', '$', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
  for (let attempt = 0; attempt < reads; attempt++) {
    const read = (await agent.xreadgroup(
      ...(['GROUP', 'agent-group', 'agent-1', 'COUNT', 1, 'BLOCK', 30_000, 'STREAMS', stream, '>'] as const),
    )) as [string, [string, string[]][]][] | null;
    const entry = read?.[0]?.[1][0];
    if (entry === undefined) continue;
    await agent.xack(stream, 'agent-group', entry[0]);
    return JSON.parse(entry[1][entry[1].indexOf('data') + 1]!) as Reply;
  }
  return undefined;
}

test('200 unmodified agents, which listen only after they published, all get their join command', async () => {
  const agents = Array.from(
    { length: 10 },
    () => new Redis(broker.endpoints.redis, { maxRetriesPerRequest: null, enableReadyCheck: false }),
  );
  const replies: (Reply | undefined)[] = [];
  await Promise.all(
    agents.map(async (agent, lane) => {
      for (let turn = 0; turn < 20; turn++) replies.push(await registerAsTheFieldDoes(agent, `agent-${lane}-${turn}`));
      agent.disconnect();
    }),
  );
  expect(replies).toHaveLength(200);
  for (const reply of replies) {
    expect(reply?.success).toBe(true);
    expect(reply?.join_command).toMatch(
      /^kubeadm join [\d.]+:\d+ --token [a-z0-9]{6}\.[a-z0-9]{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64} --node-name p-agent-\d+-\d+-1$/,
    );
  }
}, 900_000);

test('an agent that took its join command and registers again at once, with its existing group, is given it again', async () => {
  const agent = new Redis(broker.endpoints.redis, { maxRetriesPerRequest: null, enableReadyCheck: false });
  const commands = new Set<string>();
  for (let turn = 0; turn < 5; turn++) commands.add((await registerAsTheFieldDoes(agent, 'again'))!.join_command);
  expect(commands.size).toBe(1);
  agent.disconnect();
}, 120_000);
