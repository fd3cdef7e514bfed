import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { testUnless } from '../support/needs.js';
import { missingForTerminal, startWl, type RunOptions, type Wl } from '../support/wl.js';
import { startWlChain, type WlChain } from '../support/wl-chain.js';

let chain: WlChain;
let wl: Wl;
let stopRunning: () => Promise<void>;
let key = generatePrivateKey();
let account = privateKeyToAccount(key);

beforeAll(async () => {
  chain = await startWlChain();
  stopRunning = chain.run();
  wl = await startWl({ WORLDLAND_API: chain.broker.api.url, WORLDLAND_RPC: chain.anvil.url });
}, 120_000);
afterAll(async () => {
  await stopRunning?.();
  wl?.remove();
  await chain?.stop();
});
/** Another wallet each time, with 100 tokens. */
beforeEach(async () => {
  key = generatePrivateKey();
  account = privateKeyToAccount(key);
  await chain.give(account, 100_000_000n);
  await run('login --wallet env --spend-limit 1000');
});

const run = (line: string, options: RunOptions = {}) =>
  wl.run(line.split(' '), { ...options, env: { WALLET_PRIVATE_KEY: key, ...options.env } });
const json = async (line: string) => JSON.parse((await run(`${line} --json`)).stdout);
const inVault = async () => {
  const [balance, spent, cap, exitAt, withdrawn] = (await chain.vault.read('customers', [account.address])) as bigint[];
  return { balance, spent, cap, exitAt, withdrawn };
};

describe('wl deposit', () => {
  test('approves exactly the amount, deposits it with the cap, waits until the broker has it, and says so', async () => {
    const { code, stdout, stderr } = await run('deposit 25 -y');
    expect([code, stderr]).toEqual([0, expect.stringContaining(chain.vault.vault)]);
    expect(stderr).toContain('its code is the published one');
    expect(stderr).toContain('jobs may draw 25 ');
    expect(stdout).toContain('deposited, and booked by the broker');
    expect(await inVault()).toMatchObject({ balance: 25_000_000n, cap: 25_000_000n });
    expect(await chain.tokensOf(account.address.toLowerCase() as `0x${string}`)).toBe(75_000_000n);
    expect((await run('balance')).stdout).toMatch(/^free +25\.00 WLC$/m);
    expect((await run('cost')).stdout).toContain('25.00 WLC free of what you deposited');
  });

  test('takes a cap with the amount, and as JSON says what was sent', async () => {
    const said = await json('deposit 10 --cap 40 -y');
    expect(said).toMatchObject({
      ...{ amount: '10000000', amount_tokens: '10', is_booked: true, chain_id: chain.anvil.chainId },
      transactions: [
        { call: 'approve', is_final: true },
        { call: 'deposit', is_final: true },
      ],
    });
    expect(await inVault()).toMatchObject({ balance: 10_000_000n, cap: 40_000_000n });
  });

  test('without -y and without a person it sends nothing: 2', async () => {
    expect(await run('deposit 10')).toMatchObject({ code: 2, stderr: expect.stringContaining('-y') });
    expect(await inVault()).toMatchObject({ balance: 0n });
  });

  testUnless(missingForTerminal)('a person is asked, and who says no sends nothing: 130', async () => {
    const at = { columns: 100 };
    const no = await run('deposit 5', { ...at, answers: [[/Deposit 5 TEST\? \[y\/N\]/, 'n\n']] });
    expect([no.code, no.stdout]).toEqual([130, expect.stringContaining('nothing was sent')]);
    expect(await inVault()).toMatchObject({ balance: 0n });
    const yes = await run('deposit 5', { ...at, answers: [[/Deposit 5 TEST\? \[y\/N\]/, 'y\n']] });
    expect(yes.code).toBe(0);
    expect(await inVault()).toMatchObject({ balance: 5_000_000n });
  });

  test('more than the wallet has is refused before anything is sent: 6', async () => {
    expect(await run('deposit 101 -y')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('the wallet has 100 '),
    });
  });

  test('a wallet without coins for gas is told how much it takes: 6', async () => {
    await chain.anvil.client.setBalance({ address: account.address, value: 1n });
    expect(await run('deposit 10 -y')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('the gas for this costs'),
    });
  });

  test.each([
    ['deposit 0 -y', 'the amount is 0'],
    ['deposit 1.0000001 -y', '6 decimals'],
    ['deposit five -y', 'is no amount of tokens'],
    ['deposit', 'how much?'],
  ])('wl %s is a mistake: 2', async (line, words) => {
    expect(await run(line)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
  });

  test('a cap alone is raised by a signature, without gas, and counts at once', async () => {
    await run('deposit 10 -y');
    const nonce = await chain.anvil.client.getTransactionCount({ address: account.address });
    expect(await run('deposit --cap 60 -y')).toMatchObject({ code: 0, stdout: expect.stringContaining('60 ') });
    expect(await chain.anvil.client.getTransactionCount({ address: account.address })).toBe(nonce);
    expect((await json('balance')).deposits).toMatchObject({ cap_tokens: '10', cap_signed_tokens: '60' });
    expect(await run('deposit --cap 50 -y')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the cap is 60 '),
    });
    // By a transaction, as a wallet that is a contract does it.
    expect(await run('deposit --cap 70 --call -y')).toMatchObject({ code: 0 });
    expect(await inVault()).toMatchObject({ cap: 70_000_000n });
  });
});

test('wl withdraw has the broker let free money go, and sends the call itself', async () => {
  await run('deposit 30 -y');
  const to = privateKeyToAccount(generatePrivateKey()).address;
  const { code, stderr, stdout } = await run(`withdraw 12.5 --to ${to} -y`);
  expect([code, stdout, stderr]).toEqual([0, expect.stringContaining(to.toLowerCase()), expect.any(String)]);
  expect(await chain.tokensOf(to)).toBe(12_500_000n);
  expect(await inVault()).toMatchObject({ balance: 17_500_000n, withdrawn: 12_500_000n });
  expect(await run('withdraw 20 -y')).toMatchObject({ code: 6 });
});

test('wl exit asks, says when, can be called off, and takes out, without the broker', async () => {
  await run('deposit 30 -y');
  const away = { env: { WORLDLAND_API: 'http://127.0.0.1:9' } };
  const flags = `--vault ${chain.vault.vault} --rpc ${chain.anvil.url}`;
  expect(await run(`exit -y ${flags}`, away)).toMatchObject({ code: 0, stdout: expect.stringContaining('30 ') });
  expect(await run(`exit ${flags}`, away)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/can be taken out in (6 d 23 h|7 d)/),
  });
  expect(await run(`exit --cancel -y ${flags}`, away)).toMatchObject({ code: 0 });
  expect(await inVault()).toMatchObject({ exitAt: 0n });
  expect(await run('exit -y')).toMatchObject({ code: 0 });
  await chain.anvil.client.increaseTime({ seconds: 604_800 });
  await chain.anvil.client.mine({ blocks: 1 });
  expect(await run(`exit -y ${flags}`, away)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('All that was left'),
  });
  expect(await inVault()).toMatchObject({ balance: 0n });
});
