import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { widthOf } from '../../src/cli/terminal/width.js';
import { newWallet } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { testUnless } from '../support/needs.js';
import { putReceipt, receiptKey, signerWith } from '../support/receipts.js';
import { startWlBroker, type WlBroker } from '../support/wl-broker.js';
import { missingForTerminal, shownLines, startWl, type RunOptions, type Wl } from '../support/wl.js';

let broker: WlBroker;
let wl: Wl;
const walletKey = generatePrivateKey();
const wallet = privateKeyToAccount(walletKey).address.toLowerCase();
const signing = { env: { WALLET_PRIVATE_KEY: walletKey } };

beforeAll(async () => {
  broker = await startWlBroker();
  wl = await startWl({ WORLDLAND_API: broker.api.url });
  await putProvider(broker.database.pool, { providerId: 'borealis', gpuPrice: 1 });
  await wl.run(['config', 'set', 'ssh_config', 'no']);
}, 120_000);
afterAll(async () => {
  wl?.remove();
  await broker?.stop();
});

const run = (line: string, options: RunOptions = {}) => wl.run(line.split(' '), options);
const json = async (line: string) => JSON.parse((await run(`${line} --json`)).stdout);
/** Everything begins anew: no cap, no reservation. */
const begin = async (spendLimit = 1_000) => {
  await broker.database.pool.query('delete from spending_caps');
  await run(`login --wallet env --spend-limit ${spendLimit}`, signing);
  await run('down --all -y');
};
const sessions = async () => (await json('sessions ls --all')).sessions as { label?: string; scopes: string[] }[];

describe('wl cap', () => {
  test('says that there is none, sets one, shows what is used of it, and lowers it', async () => {
    await begin();
    expect(await run('cap')).toMatchObject({ code: 0, stdout: expect.stringContaining('has no monthly cap') });
    expect(await json('cap')).toBeNull();
    expect(await run('cap 20')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^cap {3}20\.00 WLC a month, 0 % used$/m),
    });
    await run('up 4090 --hours 5 --name five');
    const { stdout } = await run('cap 10');
    expect(stdout).toMatch(/^cap {3}10\.00 WLC a month, 50 % used$/m);
    expect(stdout).toMatch(/^used {2}<?0\.0\d charged this month, 5\.00 reserved$/m);
    expect(stdout).toMatch(/^left {2}(?:5\.00|4\.99) WLC until 2\d\d\d-\d\d-01, when the month turns \(UTC\)$/m);
    expect((await run('cap -q')).stdout).toBe('10.00\n');
    expect(await json('cap')).toMatchObject({ amount: String(10n ** 19n), reserved: String(5n * 10n ** 18n) });
  });

  test('an order above it ends with 6, and says what is left and what to do', async () => {
    await begin();
    await run('cap 3');
    const { code, stderr } = await run('up 4090 --hours 5');
    expect(code).toBe(6);
    expect(stderr).toMatch(
      /this may cost 5\.\d\d, and your monthly cap leaves [23]\.\d\d until 2\d\d\d-\d\d-01 \(UTC\)/,
    );
    expect(stderr).toContain('wl cap N');
    expect((await json('ls')).jobs).toEqual([]);
  });

  test('to raise it the wallet signs a login that does this alone, is kept nowhere, and ends at once', async () => {
    await begin();
    await run('cap 3');
    const before = (await sessions()).length;
    expect(await run('cap 30', signing)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('cap   30.00 WLC a month'),
      stderr: expect.stringContaining('your wallet has to agree'),
    });
    const { sessions: all } = await json('sessions ls --all');
    expect(all).toHaveLength(before + 1);
    expect(all.find(({ label }: { label: string }) => label === 'wl cap')).toMatchObject({
      ...{ live: false, spend_limit: '0', scopes: ['billing:write', 'jobs:write'] },
    });
    expect((await json('whoami')).scopes).not.toContain('billing:write');
    expect(await run('cap --clear', signing)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no monthly cap'),
    });
  });

  test('another wallet than the one that is logged in raises nothing: 3', async () => {
    await begin();
    await run('cap 3');
    const { code, stderr } = await run('cap 30', { env: { WALLET_PRIVATE_KEY: generatePrivateKey() } });
    expect([code, stderr]).toEqual([3, expect.stringContaining('this computer is logged in with')]);
    expect((await json('cap')).amount).toBe(String(3n * 10n ** 18n));
  });

  test.each([
    ['cap five', 'is no amount of tokens'],
    ['cap -- -5', 'is no amount of tokens'],
    ['cap 5 --clear', 'either an amount, or --clear'],
  ])('wl %s is a mistake: 2', async (line, words) => {
    await begin();
    expect(await run(line)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
  });
});

describe('wl warns of a limit of which most is used', () => {
  test('an order and an extension say so, and so do whoami and cost', async () => {
    await begin(10);
    await run('cap 40');
    expect((await run('up 4090 --hours 7 --name near')).stderr).not.toContain('is used');
    expect((await run('whoami')).stdout).not.toContain('% of it is used');
    const { stderr } = await run('extend near --hours 1');
    expect(stderr).toContain('80 % of the limit of your login is used: 8.00 of 10.00 WLC: wl login --spend-limit N');
    expect((await run('show near')).stdout).toContain('80 % of the login’s limit is used');
    expect((await run('whoami')).stdout).toContain('80 % of it is used');
    await run('cap 9');
    expect((await run('cost')).stdout).toMatch(
      /\d\d % of the monthly cap is used: 8\.\d\d of 9\.00 WLC, until 2\d\d\d-\d\d-01/,
    );
    expect((await run('extend near --hours 0.01 -q')).stderr).toBe('');
  });
});

describe('wl quote', () => {
  test('says as how many GPUs an order is charged that takes more than its share, and nothing of others', async () => {
    await begin();
    const plain = await run('quote 4090');
    expect(plain.stdout).not.toContain('as much of the machine as');
    const [offer] = (await json('quote 4090')).offers;
    expect(offer.includes).toEqual({ gpu_equivalents: '1' });
    const cpu = (await json('offers')).offers[0].free_cpu_cores;
    const large = await run(`quote 4090 --cpu ${cpu / 2}`);
    expect(large.stdout).toContain('it takes as much of the machine as 4 GPUs, and is charged as these');
    expect((await run(`up 4090 --cpu ${cpu / 2} --name large`)).stderr).toContain('as much of the machine as 4 GPUs');
  });
});

describe('wl provider receipts', () => {
  test('lists what the broker signed about jobs on one’s own machines, checks it, and has it as a table', async () => {
    await begin();
    expect((await run('provider receipts')).stdout).toContain('no receipts');
    const { pool } = broker.database;
    const [customer, jobId] = [newWallet().address, randomUUID()];
    const digest = await putReceipt(pool, {
      wallet: customer,
      jobId,
      payee: wallet,
      providerId: 'mine',
      audience: broker.api.url,
    });
    await signerWith(pool, receiptKey).sign(100);
    const { stdout } = await run('provider receipts');
    expect(stdout).toMatch(/^ISSUED +JOB +PROVIDER +TIME +CHARGED WLC +EARNED WLC/);
    expect(stdout).toMatch(/ mine .* 1\.81 +1\.72 /);
    expect((await run('provider receipts mine -q')).stdout).toBe(`${digest}\n`);
    expect((await run('provider receipts other -q')).stdout).toBe('');
    expect((await run('provider receipts --csv')).stdout).toContain(`,${digest},signed`);
    expect((await json('provider receipts')).keys).toHaveLength(1);
    expect(await run('provider receipts --verify')).toMatchObject({
      ...{ code: 0, stdout: expect.stringContaining('1 receipts: nothing is wrong') },
    });
    // As their customer one has none of these.
    expect((await json('receipts')).receipts.map(({ digest: each }: { digest: string }) => each)).not.toContain(digest);
  });
});

testUnless(missingForTerminal)(
  'no line of these commands is wider than 80 columns',
  async () => {
    await begin();
    await run('cap 123456789012');
    await run('up 4090 --hours 100 --name wide');
    const month = new Date().toISOString().slice(0, 7);
    for (const line of [
      ...['cap', 'cap --help', 'cost', 'cost --by day', `statement ${month}`, 'receipts', 'receipts --verify'],
      ...['provider receipts', 'provider receipts --verify', 'provider receipts --help', 'provider earnings'],
      ...['quote 4090 --cpu 16', 'cap 999999999999', '--help'],
    ]) {
      const { stdout } = await run(line, { columns: 80, ...signing });
      for (const shown of shownLines(stdout)) expect([line, shown, widthOf(shown) <= 80]).toEqual([line, shown, true]);
    }
    await run('down wide');
  },
  240_000,
);
