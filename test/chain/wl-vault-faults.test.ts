import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { until } from '../support/until.js';
import { startAnvil } from '../support/anvil.js';
import { startRpcProxy, type RpcProxy } from '../support/rpc-proxy.js';
import { roles } from '../support/vault.js';
import { startWl, type RunOptions, type Wl } from '../support/wl.js';
import { startWlChain, type WlChain } from '../support/wl-chain.js';

let chain: WlChain;
let node: RpcProxy;
let wl: Wl;
let stopRunning: () => Promise<void>;
let key = generatePrivateKey();
let account = privateKeyToAccount(key);

beforeAll(async () => {
  chain = await startWlChain();
  node = await startRpcProxy(chain.anvil.url);
  wl = await startWl({ WORLDLAND_API: chain.broker.api.url, WORLDLAND_RPC: node.url });
}, 120_000);
afterAll(async () => {
  wl?.remove();
  await node?.stop();
  await chain?.stop();
});
beforeEach(async () => {
  node.faults(() => 'pass');
  stopRunning = chain.run();
  key = generatePrivateKey();
  account = privateKeyToAccount(key);
  await chain.give(account, 100_000_000n);
  await run('login --wallet env --spend-limit 1000');
});
afterEach(() => stopRunning());

const env = () => ({ WALLET_PRIVATE_KEY: key });
const run = (line: string, options: RunOptions = {}) =>
  wl.run(line.split(' '), { ...options, env: { ...env(), ...options.env } });
const customers = async () => (await chain.vault.read('customers', [account.address])) as bigint[];
const nonce = () => chain.anvil.client.getTransactionCount({ address: account.address });

test('who leaves after sending is told so, and the same command goes on and sends nothing twice', async () => {
  await stopRunning();
  const left = wl.start(['deposit', '25', '-y'], { env: env() });
  await left.shows('deposit: sent as 0x');
  left.kill('SIGINT');
  expect(await left.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining('goes on. To wait for it: wl deposit'),
  });
  const sent = await nonce();
  expect(await run('deposit 30 -y')).toMatchObject({ code: 2, stderr: expect.stringContaining('is not final yet') });
  expect(await run('withdraw 5 -y')).toMatchObject({ code: 2, stderr: expect.stringContaining('wl deposit') });
  stopRunning = chain.run();
  const { code, stderr } = await run('deposit 25 -y');
  expect([code, stderr]).toEqual([0, expect.stringContaining('this goes on with it')]);
  expect(await nonce()).toBe(sent);
  expect((await customers())[0]).toBe(25_000_000n);
  // It is finished: the same amount again is another deposit.
  expect(await run('deposit 25 -y')).toMatchObject({ code: 0 });
  expect((await customers())[0]).toBe(50_000_000n);
});

test('a transaction whose answer was lost is followed, not sent again', async () => {
  node.once('eth_sendRawTransaction', 'lose answer');
  expect((await run('deposit 20 -y')).code).toBe(8);
  node.faults(() => 'pass');
  expect(await run('deposit 20 -y')).toMatchObject({ code: 0 });
  expect((await customers())[0]).toBe(20_000_000n);
});

test('what no block takes is offered more for, with the same nonce', async () => {
  await stopRunning();
  await chain.anvil.client.setAutomine(false);
  try {
    const { code, stderr } = await run('deposit 15 -y --timeout 2s');
    expect([code, stderr]).toEqual([124, expect.stringContaining('wl deposit --faster')]);
    const faster = wl.start(['deposit', '--faster', '-y'], { env: env() });
    await faster.shows('"approve" again, for');
    await chain.anvil.client.setAutomine(true);
    stopRunning = chain.run();
    const ended = await faster.ended;
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('deposit: sent as')]);
  } finally {
    await chain.anvil.client.setAutomine(true);
  }
  expect((await customers())[0]).toBe(15_000_000n);
  expect(await nonce()).toBe(3);
});

test('a broker that names another vault than before is not believed: 2', async () => {
  expect(await run('deposit 5 -y')).toMatchObject({ code: 0 });
  const file = join(wl.home, 'config', 'vaults.json');
  const kept = readFileSync(file, 'utf8');
  const before = await nonce();
  writeFileSync(file, kept.replaceAll(chain.vault.vault, `0x${'5e'.repeat(20)}`));
  try {
    const { code, stderr } = await run('deposit 5 -y');
    expect([code, stderr]).toEqual([2, expect.stringContaining('names another vault than before')]);
    expect(await run('withdraw 1 -y')).toMatchObject({ code: 2 });
    expect(await run('deposit --cap 50 -y')).toMatchObject({ code: 2 });
    expect(await nonce()).toBe(before);
    expect(await run(`deposit 5 -y --vault ${chain.vault.vault}`)).toMatchObject({ code: 0 });
  } finally {
    writeFileSync(file, kept);
  }
});

test('a node of another chain, one that is away and one that talks nonsense are errors of their own', async () => {
  const other = await startAnvil({ chainId: 5 });
  try {
    const wrong = await run('deposit 5 -y', { env: { WORLDLAND_RPC: other.url } });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('is on chain 5') });
  } finally {
    await other.stop();
  }
  const away = await run('deposit 5 -y --rpc http://127.0.0.1:9');
  expect(away).toMatchObject({ code: 8, stderr: expect.stringContaining('does not answer') });
  node.faults(() => 'nonsense');
  expect(await run('deposit 5 -y')).toMatchObject({ code: 8, stderr: expect.stringContaining('answers no JSON') });
  node.faults(({ method }) => (method === 'eth_estimateGas' ? { result: '0xffffff' } : 'pass'));
  expect(await run('deposit 5 -y')).toMatchObject({ code: 8, stderr: expect.stringContaining('far more than') });
  node.faults(({ method }) =>
    method === 'eth_sendRawTransaction' ? { error: { code: -32000, message: 'nonce too low' } } : 'pass',
  );
  expect(await run('deposit 5 -y')).toMatchObject({ code: 7, stderr: expect.stringContaining('nonce too low') });
  expect(await nonce()).toBe(1);
  // Nothing of it is left that would be gone on with.
  node.faults(() => 'pass');
  expect((await run('deposit 6 -y')).stderr).not.toContain('goes on with it');
  expect((await customers())[0]).toBe(6_000_000n);
});

test('while the vault is paused nothing is deposited, and an exit is requested all the same', async () => {
  await run('deposit 5 -y');
  const guardian = chain.anvil.accounts[roles.guardian]!;
  await chain.vault.send(guardian, 'vault', 'pause', []);
  try {
    expect(await run('deposit 5 -y')).toMatchObject({ code: 7, stderr: expect.stringContaining('is paused') });
    expect(await run('exit -y')).toMatchObject({ code: 0 });
  } finally {
    await chain.vault.send(guardian, 'vault', 'unpause', []);
  }
  expect(await run('deposit 5 -y')).toMatchObject({ code: 2, stderr: expect.stringContaining('wl exit --cancel') });
});

test('a wallet in the browser is sent to the console, and --print prints the calls for any wallet', async () => {
  const { code, stderr } = await run('deposit 5 -y --wallet browser');
  expect([code, stderr]).toEqual([2, expect.stringContaining('/console/')]);
  const printed = JSON.parse((await run('deposit 5 --print --json')).stdout);
  expect(printed.calls.map(({ what, to }: { what: string; to: string }) => [what, to])).toEqual([
    ['approve', chain.vault.token],
    ['deposit', chain.vault.vault],
  ]);
  const wallets = { env: { WALLET_PRIVATE_KEY: generatePrivateKey() } };
  expect(await run('deposit 5 -y', wallets)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('is logged in with'),
  });
  expect(await nonce()).toBe(1);
});

test('a provider takes out what a settlement credited, and everybody checks it', async () => {
  await run('deposit 10 -y');
  const to = privateKeyToAccount(generatePrivateKey()).address.toLowerCase() as `0x${string}`;
  expect(await run('earnings withdraw -y')).toMatchObject({ code: 6, stderr: expect.stringContaining('no earnings') });
  const wallet = account.address.toLowerCase() as `0x${string}`;
  const [draws, credits] = [[{ wallet, cumulative: 4_000_000n }], [{ wallet, cumulative: 3_000_000n }]];
  const { vault, anvil } = chain;
  const hash = batchHash({ chainId: anvil.chainId, vault: vault.vault, draws, credits });
  const operator = anvil.accounts[roles.operator]!;
  const number = ((await vault.read('proposed')) as bigint) + 1n;
  await vault.send(operator, 'vault', 'propose', [number, hash]);
  await anvil.client.increaseTime({ seconds: 61 });
  const lines = [
    draws.map((line) => ({ customer: line.wallet, cumulative: line.cumulative })),
    credits.map((line) => ({ payee: line.wallet, cumulative: line.cumulative })),
  ];
  await vault.send(operator, 'vault', 'execute', [number, ...lines, []]);
  expect(await run(`earnings withdraw -y --to ${to}`)).toMatchObject({ code: 0, stdout: expect.stringContaining(to) });
  expect(await chain.tokensOf(to)).toBe(3_000_000n);
  // The broker cut none: what somebody else proposes with the operator's key is void there.
  const listed = await until(async () => {
    const said = await run('settlements');
    return said.stdout.includes('no settlements yet') ? undefined : said;
  });
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`${number}  void .*${hash}`)) });
  expect(await run(`settlements ${number + 1n}`)).toMatchObject({ code: 4 });
  expect(await run('settlements one')).toMatchObject({ code: 2 });
});
