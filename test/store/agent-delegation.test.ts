import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { runAgent } from '../../src/provider-agent/agent.js';
import { authorize } from '../../src/provider-agent/authorize.js';
import { readDelegationFile, type Delegation } from '../../src/provider-agent/delegation.js';
import { createMailbox, watchForRenewal } from '../../src/provider-agent/left-delegation.js';
import { readOptions } from '../../src/provider-agent/options.js';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { SigningClock } from '../../src/provider-agent/signing-clock.js';
import { openState } from '../../src/provider-agent/state.js';
import { audience } from '../support/api.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { until } from '../support/until.js';

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas({ env: { PROVIDER_AUTH_MODE: 'required' } });
});
afterAll(() => replicas.stop());

let folder: string;
let providerId: string;
let nodeKey: PrivateKeyAccount;
const walletKey = generatePrivateKey();
const owner = privateKeyToAccount(walletKey);
const running: { stop: () => Promise<void> }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-'));
  providerId = `wait-${randomBytes(4).toString('hex')}`;
  nodeKey = openState(join(folder, 'state')).nodeKey();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ stop }) => stop()));
  rmSync(folder, { recursive: true });
});

/** Starts the agent as its program does. */
function start(flags: Record<string, string> = {}) {
  const options = readOptions(
    'run',
    {
      ...{ broker: replicas.api.url, audience, state: join(folder, 'state'), id: providerId, join: 'no' },
      ...{ 'kubelet-conf': join(folder, 'kubelet.conf'), 'skip-checks': 'all', ...flags },
    },
    {},
  );
  const lines: string[] = [];
  const stopping = new AbortController();
  const ended = runAgent(options, { signal: stopping.signal, say: (line) => lines.push(line) });
  const agent = {
    lines,
    says: (words: string) => until(() => lines.some((line) => line.includes(words)), { name: words }),
    async stop() {
      stopping.abort();
      await ended;
    },
  };
  running.push(agent);
  return agent;
}

/** Signs as the owner does, on another machine. */
async function sign(flags: Record<string, string> = {}, key = walletKey) {
  const said: string[] = [];
  const printed: string[] = [];
  const options = readOptions(
    'authorize',
    {
      broker: replicas.api.url,
      audience,
      id: providerId,
      'node-key': nodeKey.address,
      state: join(folder, 'owner'),
      ...flags,
    },
    { WALLET_PRIVATE_KEY: key },
  );
  await authorize(options, { say: (line) => said.push(line), print: (line) => printed.push(line) });
  return { said, printed };
}

const registered = async () =>
  (await replicas.redis.redis.xrange('provider:registration', '-', '+')).filter(([, fields]) =>
    fields.some((text) => text.includes(providerId)),
  );

describe('an agent that waits for its owner', () => {
  test('one line says what to type, and the agent goes on by itself when the owner has signed elsewhere', async () => {
    const agent = start();
    await agent.says(`wl provider authorize ${providerId} --node-key ${nodeKey.address} --api ${replicas.api.url}`);
    expect(agent.lines).toHaveLength(1);
    expect(agent.lines[0]).not.toContain('\n');
    const { said, printed } = await sign();
    expect([said.at(-1), printed]).toEqual(['left at the broker: the machine fetches it and goes on by itself', []]);
    await agent.says(`${owner.address.toLowerCase()} is paid`);
    await until(async () => (await registered()).length > 0, { name: 'a registration' });
    // It is there after a restart, too.
    const file = join(folder, 'state', 'delegation.json');
    expect(readDelegationFile(file, { nodeKey: nodeKey.address, providerId })).toMatchObject({
      message: { wallet: owner.address.toLowerCase() },
    });
  });

  test('of several wallets the agent takes none, unless it is told which is its owner’s', async () => {
    await sign({}, generatePrivateKey());
    await sign();
    const agent = start();
    await agent.says('2 wallets have signed for this machine');
    await agent.stop();
    expect(existsSync(join(folder, 'state', 'delegation.json'))).toBe(false);
    await start({ owner: owner.address }).says(`${owner.address.toLowerCase()} is paid`);
  });

  test('a signature of another wallet than the named one is not taken, from the broker or from a file', async () => {
    const { printed } = await sign({ out: '-' }, generatePrivateKey());
    writeFileSync(join(folder, 'state', 'delegation.json'), printed.join('\n'));
    await start({ owner: owner.address }).says(`not of ${owner.address.toLowerCase()}`);
    expect(await registered()).toEqual([]);
  });

  test('a broker that is away is said once, and asked again', async () => {
    const away = await replicas.start({ env: { PROVIDER_AUTH_MODE: 'required' } });
    await away.stop();
    const agent = start({ broker: away.url });
    await agent.says('the broker cannot be asked');
    await agent.stop();
    expect(agent.lines.filter((line) => line.includes('cannot be asked'))).toHaveLength(1);
  });

  test('a file that somebody carries is waited for where the agent was told to read one', async () => {
    const file = join(folder, 'carried.json');
    const agent = start({ delegation: file });
    await agent.says(`copies it to ${file}`);
    const { printed } = await sign({ out: '-' });
    writeFileSync(file, printed.join('\n'));
    await agent.says('is paid');
  });
});

describe('an owner who signs', () => {
  test('a delegation that the machine could not use is refused to the owner, not to the machine', async () => {
    await expect(sign({ audience: 'https://other.example.com' })).rejects.toThrow(
      /about another provider, node key or broker/,
    );
  });

  test('a broker that keeps no delegations leaves the owner with a file to carry', async () => {
    // Nothing of the API is below this path, as nothing of this route is in an older broker.
    const { said, printed } = await sign({ broker: `${replicas.api.url}/older` });
    expect(said.join('\n')).toContain('carry it to the machine yourself');
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ reg: expect.any(String), regsig: expect.any(String) });
  });
});

test('an agent in service finds a newer delegation of its owner, and none of anybody else', async () => {
  const signed = (by: PrivateKeyAccount, nowMs?: number) =>
    authorizeNodeKey(by, {
      ...{ providerId, nodeKey: nodeKey.address, audience, chainId: 1, ...(nowMs === undefined ? {} : { nowMs }) },
    });
  const leave = async (body: object) =>
    (await replicas.api.send('PUT', `/api/v1/providers/${providerId}/delegation`, { body })).status;
  const first = await signed(owner, Date.now() - 60_000);
  const known = { authorization: first, message: JSON.parse(first.reg) as Delegation['message'] };
  const stopping = new AbortController();
  const clock = new SigningClock();
  const asking = { nodeKey, api: replicas.api.url, audience, clock, signal: stopping.signal, say: () => undefined };
  const kept: Delegation[] = [];
  const watching = watchForRenewal(createMailbox(asking), known, {
    ...{
      nodeKey: nodeKey.address,
      keep: (found: Delegation) => kept.push(found),
      signal: stopping.signal,
      everyMs: 50,
    },
  });
  expect(await leave(first)).toBe(202);
  expect(await leave(await signed(privateKeyToAccount(generatePrivateKey())))).toBe(202);
  const renewed = await signed(owner);
  expect(await leave(renewed)).toBe(202);
  await until(() => kept.length > 0, { name: 'a renewal' });
  stopping.abort();
  await watching;
  expect(kept.map(({ authorization }) => authorization)).toEqual([renewed]);
});
