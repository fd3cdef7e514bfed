import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { generatePrivateKey } from 'viem/accounts';
import type { Receipt } from '../../src/client/shapes.js';
import { putProvider } from '../support/fleet.js';
import { until } from '../support/until.js';
import { startWlBroker, type WlBroker } from '../support/wl-broker.js';
import { shownLines, startWl, type RunOptions, type Wl } from '../support/wl.js';

let broker: WlBroker;
let wl: Wl;
const walletKey = generatePrivateKey();

beforeAll(async () => {
  broker = await startWlBroker();
  wl = await startWl({ WORLDLAND_API: broker.api.url });
  const { pool } = broker.database;
  await putProvider(pool, {
    providerId: 'borealis',
    gpuPrice: 0.5,
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
  });
  await putProvider(pool, { providerId: 'nimbus', gpuPrice: 1.8, gpus: { model: 'NVIDIA A100-SXM4-80GB', count: 2 } });
}, 120_000);
afterAll(async () => {
  wl?.remove();
  await broker?.stop();
});
beforeEach(() => {
  broker.startsAtOnce = true;
});

const run = (line: string, options: RunOptions = {}) => wl.run(line.split(' '), options);
const json = async (line: string, options: RunOptions = {}) => {
  const { stdout, stderr, code } = await run(`${line} --json`, options);
  if (code !== 0) throw new Error(`wl ${line}: ${code}: ${stderr}`);
  return JSON.parse(stdout);
};
const login = async (more = '--spend-limit 1000') =>
  await run(`login --wallet env ${more}`, { env: { WALLET_PRIVATE_KEY: walletKey } });

describe('a customer', () => {
  test('sees offers without a login, and what an order would cost', async () => {
    const { stdout, stderr, code } = await run('offers 4090');
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^GPU +VRAM GB +FREE +WLC\/H +CUDA .*PROVIDER$/);
    expect(stdout.split('\n')[1]).toMatch(/^RTX 4090 .* 8\/8 +0\.50 .*borealis$/);
    expect(stderr).toContain('1 offer, 8 GPUs free');
    expect(await json('offers')).toMatchObject({ count: 2, offers: [{ provider_id: 'borealis' }, {}] });
    expect((await run('offers -q')).stdout).toBe('borealis\nnimbus\n');
    expect((await run('quote 2x4090 --hours 4')).stdout).toMatch(
      /2 × RTX 4090, 4 cores, 16 GB, 20 GB disk, 4 h: 4\.00 WLC, at most 4\.\d\d/,
    );
  });

  test('logs in by a key of the environment; the file is for its owner alone, and holds no wallet’s key', async () => {
    const { code, stdout } = await login();
    expect([code, stdout]).toEqual([0, expect.stringContaining('may spend 1000.00 WLC')]);
    const file = join(wl.home, 'config', 'credentials.json');
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(readFileSync(file, 'utf8')).not.toContain(walletKey.slice(2));
    expect(await json('whoami')).toMatchObject({ spend_remaining: '1000000000000000000000' });
  });

  test('a new login ends the one before, which nobody holds any more', async () => {
    await login();
    await login();
    const { sessions } = await json('sessions ls');
    expect(sessions.filter(({ live }: { live: boolean }) => live)).toHaveLength(1);
  });

  test('rents with the steps on standard error and how to log in on standard output', async () => {
    await login();
    // Other tests have rented, too.
    const { jobs: earlier } = await json('statement');
    const { code, stdout, stderr } = await run('up 2x4090 --hours 4 --name train');
    expect([code, stderr]).toEqual([0, expect.stringContaining('✓ placed     on borealis')]);
    expect(stderr).toContain('your limit has 1000.00 left');
    expect(stderr).toContain('✓ ready');
    expect(stdout).toMatch(
      /^ {2}wl ssh train {3}\(wl ssh-config makes "ssh wl-train" work\)\n {2}ends in (?:3 h 59|4 h), at /,
    );
    const [job] = (await json('ls')).jobs;
    expect(job).toMatchObject({ job_name: 'train', status: 'running', gpu_count: 2 });
    expect((await run('show train')).stdout).toMatch(/^train ● running on borealis/);
    expect((await run('ls -q')).stdout).toBe(`${job.job_id}\n`);
    expect(await json(`show ${job.job_id.slice(-4)}`)).toMatchObject({ job_id: job.job_id });
    expect((await run('wait train --for running')).stdout).toBe('train is running\n');
    expect((await run('extend train --hours 1')).stdout).toMatch(/^train ends in (?:4 h 59|5 h), at /);
    expect((await run('down train')).stdout).toMatch(/^train is cancelled after \d+ s: /);
    expect((await run('ssh train')).code).toBe(7);
    const { rows } = await json('cost');
    expect(rows.find(({ key }: { key: string }) => key === job.job_id)).toMatchObject({ name: 'train' });
    const { closing, charged, jobs } = await json('statement');
    expect([closing, jobs]).toEqual([`-${charged}`, earlier + 1]);
    expect((await run('statement')).stdout).toMatch(/charged for \d+ jobs? +-?<?0\.0\d[\s\S]*so far/);
    expect((await run('statement --csv')).stdout).toMatch(new RegExp(`,settle,${job.job_id},-\\d+,`));
    const { receipts, keys } = await json('receipts');
    const ofJob = receipts.find(({ typed_data }: Receipt) => typed_data.message.jobId === job.job_id);
    expect([ofJob.status, keys.length]).toEqual(['signed', 1]);
    expect((await run('receipts')).stdout).toMatch(/^ *NUMBER +ISSUED +JOB +PROVIDER +TIME +CHARGED WLC/);
    expect((await run('receipts train')).stdout).toContain(
      `× ${ofJob.typed_data.message.billedMs} / 3600000 = ${ofJob.typed_data.message.charged}`,
    );
    expect((await run(`receipts ${ofJob.digest} -q`)).stdout).toBe(`${ofJob.digest}\n`);
    expect((await run('receipts --csv')).stdout).toContain(`,${ofJob.digest},signed`);
    expect(await run('receipts --verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing is wrong'),
    });
  });

  test('a name is made where none is given, and --detach does not wait', async () => {
    await login();
    broker.startsAtOnce = false;
    const { code, stdout } = await run('up 4090 --detach');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[a-z]+-[a-z]+ is ordered: wl wait [a-z]+-[a-z]+\n$/)]);
    expect((await run('ls')).stdout).toMatch(/◌|◐/);
    expect((await run('down --all')).code).toBe(2);
    expect((await run('down --all -y')).code).toBe(0);
    expect((await json('ls')).jobs).toEqual([]);
  });

  test('rents in the region that is named, or nowhere', async () => {
    await login();
    const { pool } = broker.database;
    await pool.query(`update providers set spec = spec || '{"region":"kr-11"}' where provider_id = 'nimbus'`);
    const there = await run('up a100 --region kr --name there');
    expect([there.code, there.stderr]).toEqual([0, expect.stringContaining('placed     on nimbus')]);
    await run('down there');
    const nowhere = await run('up 4090 --region kr');
    expect([nowhere.code, nowhere.stderr]).toEqual([5, expect.stringContaining('nobody in kr can take that')]);
  });

  test('lets a program rent within a login of its own only, whatever token the person has', async () => {
    const { code, stderr } = await run('mcp', { env: { WORLDLAND_TOKEN: 'of-the-person' } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('needs a login of its own')]);
  });

  test('orders by the quote that it showed', async () => {
    await login();
    const { quote_id: id, expires_at: until } = await json('quote 4090');
    expect([id, until]).toEqual([expect.stringContaining('.'), expect.any(String)]);
    await run('up 4090 --hours 1 --name promised');
    const { rows } = await broker.database.pool.query<{ quoted_rates: unknown }>(
      `select quoted_rates from jobs where job_name = 'promised'`,
    );
    expect(rows).toEqual([{ quoted_rates: [['borealis', 'rtx-4090', '500000000000000000']] }]);
    await run('down promised');
  });

  test('what may cost more than confirm_above is asked for first, and not rented by a program without -y', async () => {
    await login();
    const { code, stderr } = await run('up 8x4090 --hours 100');
    expect([code, stderr]).toEqual([2, expect.stringContaining('more than the 10 of confirm_above')]);
    expect((await json('ls')).jobs).toEqual([]);
    const dry = await run('up 8x4090 --hours 100 --dry-run');
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('400.00 WLC')]);
  });

  test('is warned when the login ends before a job does', async () => {
    await login('--spend-limit 1000 --for 1h');
    await run('up 4090 --hours 4 --name long');
    const { stderr } = await run('ls');
    expect(stderr).toMatch(/! your login ends at (?:\d{4}-\d\d-\d\d )?\d\d:\d\d, before long: wl login renews it/);
    await run('down long');
    await login();
  });

  test('gets the SSH files of what runs, and an ssh that verifies the machine', async () => {
    await login();
    await run('up 4090 --name train');
    expect((await run('ssh-config --yes')).code).toBe(0);
    const config = readFileSync(join(wl.home, '.ssh', 'worldland', 'config'), 'utf8');
    expect(config).toMatch(/^Host wl-train wl-[0-9a-f]{4}$/m);
    const printed = (await run('ssh train --print -L 8888 -- nvidia-smi')).stdout;
    expect(printed).toMatch(
      /^ssh -o HostName=198\.18\.0\.1 -o Port=30000 .*StrictHostKeyChecking=yes.* -L 127\.0\.0\.1:8888:127\.0\.0\.1:8888 -- wl-train nvidia-smi\n$/,
    );
    expect((await run('cp model.pt train:/root/ --print')).stdout).toMatch(
      /^scp .* -- \.\/model\.pt wl-[0-9a-f-]{36}:\/root\/\n$/,
    );
    await run('down train');
    expect(readFileSync(join(wl.home, '.ssh', 'worldland', 'config'), 'utf8')).not.toContain('Host wl-');
    expect((await run('ssh-config --remove')).code).toBe(0);
    expect(existsSync(join(wl.home, '.ssh', 'worldland'))).toBe(false);
  });

  test('keeps keys at the broker, makes tokens, and logs out', async () => {
    await login();
    expect((await run('keys add')).stdout).toMatch(/^id_ed25519 is kept: SHA256:/);
    expect((await run('keys rm id_ed25519')).code).toBe(0);
    const token = (await run('tokens new --ttl 1h')).stdout.trim();
    const env = { WORLDLAND_TOKEN: token, WORLDLAND_CONFIG_DIR: join(wl.home, 'empty') };
    expect((await run('ls', { env })).code).toBe(0);
    expect((await run('logout')).code).toBe(0);
    const { code, stderr } = await run('ls');
    expect([code, stderr]).toEqual([3, expect.stringContaining('wl login')]);
    expect((await run('ls', { env })).code).toBe(3);
  });

  test('a token for curl is printed alone', async () => {
    const { stdout } = await login('--spend-limit 0 --token --ttl 10m');
    expect(stdout).toMatch(/^\S{20,}\n$/);
    expect((await broker.api.send('GET', '/api/v1/auth/me', { bearer: stdout.trim() })).status).toBe(200);
  });
});

describe('mistakes and failures say what is wrong and what to type, in few lines, with their exit code', () => {
  beforeAll(() => login());

  test.each<[string, number, string]>([
    ['--bogus', 2, "unknown option '--bogus'"],
    ['offres', 2, 'Did you mean offers?'],
    ['up', 2, "missing required argument 'gpu'"],
    ['up 4090 --hours many', 2, 'Give a number, such as 4 or 0.5.'],
    ['login --token --ttl 3600', 2, '3600s'],
    ['login --wallet 0xabc', 2, '--wallet takes browser'],
    ['login --scopes jobs', 2, 'there is no "jobs"'],
    ['up rtx9999', 2, 'nobody here has a GPU called "rtx9999"'],
    ['up 2xh100', 5, 'Nobody has 2 × H100 free (no_capacity). Free now: 8 × RTX 4090 from 0.50, 2 × '],
    ['up 4090@0.1', 5, 'max_price_per_hour 0.1 was asked for, the nearest has 0.5'],
    ['show nobody', 4, 'you have no job "nobody"'],
    ['provider show nobody', 4, 'provider_not_found'],
    ['admin overview', 3, 'wl login --scopes …, or --admin'],
    ['config set hours many', 2, 'hours must be a number of hours'],
    ['ls -w', 2, '-w needs a terminal'],
    ['provider', 2, 'Usage: wl provider'],
  ])('%s: %d', async (line, exitCode, words) => {
    const { code, stderr, stdout } = await run(line);
    expect([code, stdout, stderr]).toEqual([exitCode, '', expect.stringContaining(words)]);
    expect(stderr).not.toMatch(/ {4}at /);
  });

  test('the limit of the login does not cover it: 6', async () => {
    await login('--spend-limit 1');
    const { code, stderr } = await run('up 4090 --hours 4');
    expect([code, stderr]).toEqual([
      6,
      expect.stringMatching(/may cost 2\.\d\d WLC, and your limit has 1\.00 left\n.*--spend-limit/),
    ]);
    await login();
  });

  test('a job that does not start: 7, with the reason', async () => {
    broker.startsAtOnce = false;
    const before = broker.ordered.length;
    const started = run('up 4090 --name broken');
    await until(() => broker.ordered.length > before);
    await broker.fail(broker.ordered.at(-1)!, 'image_pull_failed', 'the image is private or misspelt');
    const { code, stderr } = await started;
    expect([code, stderr]).toEqual([
      7,
      expect.stringContaining('the image is private or misspelt (image_pull_failed)'),
    ]);
  });

  test('it does not run in time: 124, and it is kept', async () => {
    broker.startsAtOnce = false;
    const { code, stderr } = await run('up 4090 --name slow --timeout 2s');
    expect([code, stderr]).toEqual([124, expect.stringContaining('slow does not run after 2 s; it is kept')]);
    expect((await json('ls')).jobs).toHaveLength(1);
    await run('down slow');
  });

  test('nothing listens, no such host, nonsense, HTML of another server: 8', async () => {
    const server = await startServer((request) => (request === '/api/v1/site' ? '<html>hello</html>' : '{'));
    const at = (api: string) => ({ env: { WORLDLAND_API: api } });
    const { port } = server.address() as AddressInfo;
    const refused = await run('ls', at('http://127.0.0.1:9999'));
    expect([refused.code, refused.stderr]).toEqual([
      8,
      expect.stringContaining('cannot be reached: nothing listens there'),
    ]);
    const foreign = await run('quote 4090', at(`http://127.0.0.1:${port}`));
    expect([foreign.code, foreign.stderr]).toEqual([
      8,
      expect.stringMatching(/not as a broker does|JSON that cannot be read/),
    ]);
    server.close();
    const empty = await startServer(() => '{}', 'application/json');
    const nothing = `http://127.0.0.1:${(empty.address() as AddressInfo).port}`;
    for (const line of ['ls', 'offers', 'up 4090', 'whoami', 'provider ls']) {
      const { code, stderr } = await run(line, { env: { WORLDLAND_API: nothing, WORLDLAND_TOKEN: 'token' } });
      expect([line, code, stderr]).toEqual([line, 8, expect.stringContaining(nothing)]);
    }
    empty.close();
  }, 120_000);

  test('no broker is named', async () => {
    const { code, stderr } = await run('offers', { env: { WORLDLAND_API: '' } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('wl config set api https://')]);
  });

  test('an address that was copied from a route works, one under another name is told from the broker’s own', async () => {
    expect((await run(`offers -q --api ${broker.api.url}/api/v1`)).code).toBe(0);
    const localhost = broker.api.url.replace('127.0.0.1', 'localhost');
    const { code, stderr } = await run(`login --wallet env --api ${localhost}`, {
      env: { WALLET_PRIVATE_KEY: walletKey },
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining(`calls itself ${broker.api.url}`)]);
    expect(stderr).toContain(`wl login --api ${broker.api.url}`);
  });

  test('files that others may read are refused', async () => {
    const folder = join(wl.home, 'open');
    mkdirSync(folder);
    writeFileSync(join(folder, 'credentials.json'), '{}', { mode: 0o644 });
    const { code, stderr } = await run('ls', { env: { WORLDLAND_CONFIG_DIR: folder } });
    expect([code, stderr]).toEqual([2, expect.stringContaining(`chmod 600 '${join(folder, 'credentials.json')}'`)]);
  });

  test('doctor names what is wrong and what to type', async () => {
    const { code, stdout } = await run('doctor');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^✓ files .*\n✓ broker .*\n✓ clock .*\n✓ login .*\n✓ key /),
    ]);
    const away = await run('doctor', { env: { WORLDLAND_API: 'http://127.0.0.1:9999' } });
    expect([away.code, away.stdout]).toEqual([
      8,
      expect.stringContaining('✗ broker    http://127.0.0.1:9999 cannot be reached'),
    ]);
  }, 120_000);
});

test('help is there at once, fits 80 columns, and names every command', async () => {
  const { code, stdout } = await run('--help');
  expect(code).toBe(0);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  for (const word of ['offers', 'up GPU', 'ssh JOB', 'provider', 'admin', 'completion', 'doctor'])
    expect(stdout).toContain(word);
  expect((await run('help exit-codes')).stdout).toContain('124  --timeout is over; the job, or what was sent, goes on');
  expect(shownLines((await run('up --help')).stdout).join('\n')).toContain('--on-interrupt');
});

test('the Tab key knows commands, GPUs, machines, jobs and settings', async () => {
  await login();
  broker.startsAtOnce = true;
  await run('up 4090 --name train');
  const ask = async (words: string[]) => (await wl.run(['complete', '--', ...words])).stdout;
  expect(await ask(['off'])).toContain('offers');
  expect(await ask(['up', ''])).toContain('4090');
  expect(await ask(['ssh', ''])).toContain('train');
  expect(await ask(['offers', '--provider', ''])).toContain('borealis');
  expect(await ask(['provider', 'show', ''])).not.toContain('borealis');
  expect(await ask(['config', 'set', ''])).toContain('confirm_above');
  expect((await run('completion bash')).stdout).toContain('wl complete');
  await run('down train');
});

async function startServer(answer: (path: string) => string, type?: string): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', type ?? (request.url === '/api/v1/site' ? 'text/html' : 'application/json'));
    response.end(answer(request.url!));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}
