import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { Pool } from 'pg';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { describeUnless, testUnless } from '../support/needs.js';
import { asRoot, createProviderMachine, type ProviderMachine, type RunningAgent } from '../support/provider-machine.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';

const isRoot = asRoot() !== undefined;
const missing = isRoot ? undefined : 'root, which neither this account nor a namespace of it can be';

interface Provider {
  wallet_addr: string;
  status: string;
  last_heartbeat?: string;
  spec: { total_gpus: number; gpus: { name: string; cuda_version: string }[] };
  capacity: { total_gpus: Record<string, number>; gpu_prices_per_hour: Record<string, number> };
}

const gpuName = 'NVIDIA GeForce RTX 4090';
const joinLine =
  /^join [\d.]+:\d+ --token [a-z0-9]{6}\.[a-z0-9]{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64} --node-name p-[a-z-]+-1$/;
/** Everything takes its time where others press on the same processors. */
const patience = { timeoutMs: 120_000, everyMs: 200 };

let broker: RunningBroker;
const machines: ProviderMachine[] = [];

beforeAll(async () => {
  if (isRoot) broker = await startBroker({ RATE_LIMIT_PROVIDERS: '1000000' });
}, 900_000);
afterAll(async () => {
  await Promise.all(machines.map((machine) => machine.remove()));
  await broker?.stop();
}, 120_000);

/** A machine whose owner has signed for its key, with the wallet's key in a file of the owner's. */
async function ownedMachine(providerId: string) {
  const machine = createProviderMachine({ gpus: 2 });
  machines.push(machine);
  const nodeKey = (await machine.command(['key'])).output.trim();
  const walletKey = generatePrivateKey();
  const walletFile = join(machine.state, '../wallet');
  writeFileSync(walletFile, walletKey, { mode: 0o600 });
  const authorize = () =>
    machine.command(
      ['authorize', '--id', providerId, '--node-key', nodeKey, '--broker', broker.endpoints.api].concat([
        '--out',
        join(machine.state, 'delegation.json'),
      ]),
      { WALLET_PRIVATE_KEY_FILE: walletFile },
    );
  return { providerId, machine, nodeKey, wallet: privateKeyToAccount(walletKey).address, walletFile, authorize };
}

async function read(providerId: string): Promise<Provider | undefined> {
  const response = await fetch(`${broker.endpoints.api}/api/v1/providers/${providerId}`);
  return response.ok ? ((await response.json()) as Provider) : undefined;
}

const has = (providerId: string, holds: (provider: Provider) => boolean) =>
  until(async () => {
    const provider = await read(providerId);
    return provider !== undefined && holds(provider) ? provider : undefined;
  }, patience);

async function says(agent: RunningAgent, words: string, after = 0): Promise<void> {
  await until(() => agent.output().includes(words, after), { ...patience, name: `"${words}"` }).catch(
    (error: Error) => {
      throw new Error(`${error.message}, but:\n${agent.output().slice(after)}`);
    },
  );
}

async function hearsAgain(providerId: string): Promise<void> {
  const before = (await read(providerId))?.last_heartbeat ?? '';
  await has(providerId, ({ last_heartbeat: last = '' }) => last > before);
}

describeUnless(missing)('a machine that reaches the broker over HTTPS', () => {
  let owned: Awaited<ReturnType<typeof ownedMachine>>;
  let agent: RunningAgent;
  const args = () => ['--broker', broker.endpoints.api, '--join', 'yes', '--heartbeat-s', '1', '--gpu-price', '0.4'];
  beforeAll(async () => {
    owned = await ownedMachine('over-https');
    agent = owned.machine.run(args());
  }, 120_000);

  const chapter = story('a machine over HTTPS joins, serves, survives what happens to the broker, and leaves', 900_000);

  chapter('the agent says what its owner has to sign, waits for it, joins and serves', async () => {
    await says(agent, `--node-key ${owned.nodeKey}`);
    expect(await read(owned.providerId)).toBeUndefined();
    expect(await owned.authorize()).toMatchObject({ code: 0 });
    const provider = await has(owned.providerId, ({ status }) => status === 'available');
    expect(provider).toMatchObject({
      wallet_addr: owned.wallet.toLowerCase(),
      spec: { total_gpus: 2, gpus: [{ name: gpuName, cuda_version: '12.4' }, { name: gpuName }] },
      capacity: { total_gpus: { [gpuName]: 2 }, gpu_prices_per_hour: { [gpuName]: 0.4 } },
    });
  });

  chapter('the agent ran one join command unchanged and printed no secret of it', async () => {
    const calls = owned.machine.kubeadmCalls();
    expect(calls.map((words) => words.join(' '))).toEqual([expect.stringMatching(joinLine)]);
    const secret = calls[0]![3]!.split('.')[1]!;
    await says(agent, 'in service');
    expect(agent.output()).toContain('kubeadm: This node has joined');
    expect(agent.output()).not.toContain(secret);
  });

  chapter('the broker receives heartbeat after heartbeat', async () => {
    await hearsAgain(owned.providerId);
    await hearsAgain(owned.providerId);
  });

  chapter('the agent offers fewer GPUs while one is missing', async () => {
    const counted = (count: number) => has(owned.providerId, ({ capacity }) => capacity.total_gpus[gpuName] === count);
    owned.machine.setGpus(1);
    await counted(1);
    owned.machine.setGpus(2);
    await counted(2);
  });

  chapter('the agent waits for a broker that is away', async () => {
    const before = agent.output().length;
    await broker.stack.halt('api');
    await says(agent, 'a heartbeat was not delivered', before);
    await broker.stack.resume('api');
    await says(agent, 'heartbeats reach the broker again', before);
    await hearsAgain(owned.providerId);
  });

  chapter('the agent registers again at a broker that lost its registration', async () => {
    const before = agent.output().length;
    const pool = new Pool({ connectionString: broker.endpoints.postgres });
    await pool.query('delete from provider_identities where provider_id = $1', [owned.providerId]);
    await pool.end();
    await says(agent, 'registering again', before);
    await says(agent, 'the broker has accepted the registration', before);
    await hearsAgain(owned.providerId);
  });

  chapter('the agent ends at SIGTERM and comes back as the same machine without a new join', async () => {
    const key = readFileSync(join(owned.machine.state, 'node-key'), 'utf8');
    expect(await agent.stop()).toBe(0);
    agent = owned.machine.run(args());
    await says(agent, 'the broker has accepted the registration');
    await hearsAgain(owned.providerId);
    expect(readFileSync(join(owned.machine.state, 'node-key'), 'utf8')).toBe(key);
    expect(owned.machine.kubeadmCalls()).toHaveLength(1);
  });

  chapter('the agent takes up a new delegation without a restart', async () => {
    const before = agent.output().length;
    expect(await owned.authorize()).toMatchObject({ code: 0 });
    await says(agent, 'the broker has accepted the registration', before);
    await hearsAgain(owned.providerId);
  });

  chapter('the agent leaves on its owner’s word, stays away and undoes the join', async () => {
    const key = { WALLET_PRIVATE_KEY_FILE: owned.walletFile };
    const order = ['leave', '--broker', broker.endpoints.api, '--id', owned.providerId, '--wallet', '--retire'];
    const left = await owned.machine.command(order, key);
    expect([left.code, left.output]).toEqual([0, expect.stringContaining('has left the fleet')]);
    expect((await read(owned.providerId))?.status).toBe('retired');
    expect(await agent.exited).toBe(0);

    const again = await owned.machine.command(['run', ...args()]);
    expect([again.code, again.output]).toEqual([0, expect.stringContaining('--rejoin')]);
    expect((await read(owned.providerId))?.status).toBe('retired');

    const reset = await owned.machine.command(['leave', '--broker', broker.endpoints.api, '--reset']);
    expect(reset.code).toBe(0);
    expect(owned.machine.kubeadmCalls().at(-1)).toEqual(['reset', '--force']);
  });
});

testUnless(missing).each([
  ['HTTPS', -600, () => ['--broker', broker.endpoints.api]],
  ['HTTPS', 32_400, () => ['--broker', broker.endpoints.api]],
  ['Redis', 32_400, () => ['--redis', broker.endpoints.redis]],
] as const)(
  'over %s a machine whose clock is %i s off uses the broker’s clock, and is heard at once after its clock was set',
  async (way, offS, reach) => {
    const { machine, providerId, authorize } = await ownedMachine(`clock-${way.toLowerCase()}${offS}`);
    await authorize();
    const args = [...reach(), '--join', 'no', '--heartbeat-s', '1'];
    const wrong = `const now=Date.now;Date.now=()=>now()+${offS * 1_000}`;
    const before = machine.run(args, {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(wrong)}`,
    });
    await says(before, `this machine's clock is off by ${offS} s`);
    await says(before, 'the broker has accepted the registration');
    await hearsAgain(providerId);
    expect(await before.stop()).toBe(0);

    const after = machine.run(args);
    await says(after, 'the broker has accepted the registration');
    await hearsAgain(providerId);
    expect(await after.stop()).toBe(0);
    for (const agent of [before, after]) {
      expect(agent.output()).not.toContain('rejected the registration');
      expect(agent.output()).not.toContain('was not delivered');
    }
  },
  240_000,
);

describeUnless(missing)('a machine that reaches the broker over Redis', () => {
  let owned: Awaited<ReturnType<typeof ownedMachine>>;
  let agent: RunningAgent;
  const args = (join: string) => ['--redis', broker.endpoints.redis, '--join', join, '--heartbeat-s', '1'];
  beforeAll(async () => {
    owned = await ownedMachine('over-redis');
    await owned.authorize();
  }, 120_000);

  const chapter = story(
    'a machine over Redis joins where it was told to, serves, and survives what happens to Redis',
    900_000,
  );

  chapter('the agent joins no cluster but the one it was told of', async () => {
    agent = owned.machine.run([...args('yes'), '--ca-hash', `sha256:${'0'.repeat(64)}`]);
    await says(agent, 'a cluster whose CA does not match --ca-hash');
    expect(owned.machine.kubeadmCalls()).toEqual([]);
    expect(await agent.stop()).toBe(0);
  });

  chapter('the agent leaves the join to root where it is told to, and serves afterwards', async () => {
    agent = owned.machine.run(args('no'));
    const file = join(owned.machine.state, 'join-command');
    await says(agent, `Run this as root within 15 minutes: sh ${file}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(owned.machine.kubeadmCalls()).toEqual([]);
    expect(await owned.machine.shell(file)).toBe(0);
    await says(agent, 'in service');
    await has(owned.providerId, ({ status }) => status === 'available');
    expect(owned.machine.kubeadmCalls().map((words) => words.join(' '))).toEqual([expect.stringMatching(joinLine)]);
    expect(existsSync(file)).toBe(false);
    await hearsAgain(owned.providerId);
  });

  chapter('the agent waits for a Redis that is away', async () => {
    const before = agent.output().length;
    await broker.stack.halt('redis');
    await says(agent, 'a heartbeat was not delivered', before);
    await broker.stack.resume('redis');
    await says(agent, 'heartbeats reach the broker again', before);
    await hearsAgain(owned.providerId);
  });

  chapter('the agent ends at SIGTERM', async () => {
    expect(await agent.stop()).toBe(0);
  });
});
