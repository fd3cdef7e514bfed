import { chmodSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts';
import { widthOf } from '../../src/cli/terminal/width.js';
import { eventStreams } from '../../src/observability/metrics.js';
import { delegationTypedData } from '../../src/wire/session-typed-data.js';
import {
  readSignFragment,
  signAnswerText,
  signAnswerUrl,
  type LoginSignRequest,
  type SignAnswer,
} from '../../src/wire/sign-page.js';
import { putProvider } from '../support/fleet.js';
import { describeUnless } from '../support/needs.js';
import { until } from '../support/until.js';
import { startWlBroker, type WlBroker } from '../support/wl-broker.js';
import { missingForTerminal, shownLines, startWl, type RunOptions, type Wl } from '../support/wl.js';

let broker: WlBroker;
let wl: Wl;
const walletKey = generatePrivateKey();
const wallet = privateKeyToAccount(walletKey);
/** Every character here is one that a terminal obeys, or that turns what stands after it. */
const hostile = 'RTX\u001b]0;owned\u0007\u001b[2J \u202e4090\u2066\u009b';

beforeAll(async () => {
  broker = await startWlBroker();
  wl = await startWl({ WORLDLAND_API: broker.api.url });
  const { pool } = broker.database;
  await putProvider(pool, { providerId: 'borealis', gpuPrice: 0.5 });
  await putProvider(pool, {
    providerId: 'a-machine-with-a-name-that-is-as-long-as-names-may-be-at-all',
    gpuPrice: 0.75,
  });
  await wl.run(['config', 'set', 'ssh_config', 'no']);
  await login();
}, 120_000);
afterAll(async () => {
  wl?.remove();
  await broker?.stop();
});
beforeEach(async () => {
  broker.startsAtOnce = true;
  await wl.run(['down', '--all', '-y']);
});

const login = () =>
  wl.run(['login', '--wallet', 'env', '--spend-limit', '1000'], { env: { WALLET_PRIVATE_KEY: walletKey } });
const run = (line: string, options: RunOptions = {}) => wl.run(line.split(' '), options);
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

describeUnless(missingForTerminal)('on a terminal', () => {
  test.each([60, 80, 200])(
    'of %d columns no line is wider than it',
    async (columns) => {
      await run('up 4090 --name train-with-a-name-of-32-letters');
      for (const line of [
        'offers',
        'offers --all',
        'ls',
        'ls -a',
        'show train-with-a-name-of-32-letters',
        'whoami',
        'sessions ls',
        'tokens ls',
        'config ls',
        'provider ls -a',
        'doctor',
        '--help',
        'up --help',
        'help exit-codes',
        'up 2xh100',
        'show nobody',
      ]) {
        const { stdout } = await run(line, { columns });
        for (const shown of shownLines(stdout))
          expect([line, shown, widthOf(shown) <= columns]).toEqual([line, shown, true]);
      }
      await run('down train-with-a-name-of-32-letters');
    },
    240_000,
  );

  test('the tables are as people see them', async () => {
    const at = async (columns: number) =>
      shownLines((await run('offers', { columns })).stdout).filter((line) => /GPU|4090/.test(line));
    expect(await at(60)).toEqual([
      'GPU       FREE  WLC/H  PROVIDER',
      expect.stringMatching(/^RTX 4090 +\d\/8 +0\.50 {2}borealis$/),
      expect.stringMatching(/^RTX 4090 +8\/8 +0\.75 {2}a-machine-with-a-n…ames-may-be-at-all$/),
      '2 offers, 16 GPUs free. Full ones, too: --all. Rent the',
      '  cheapest: wl up 4090',
    ]);
    expect((await at(200))[0]).toBe(
      'GPU       VRAM GB  FREE  WLC/H  CUDA  REGION  RELIABLE   CPU  MEM GB  DISK GB  PROVIDER',
    );
  });

  test('colour is there, and not with NO_COLOR or a dumb terminal', async () => {
    const colours = /\u001b\[\d+m/;
    expect((await run('offers', { columns: 80 })).stdout).toMatch(colours);
    expect((await run('offers', { columns: 80, env: { NO_COLOR: '1' } })).stdout).not.toMatch(colours);
    expect((await run('offers', { columns: 80, env: { TERM: 'dumb' } })).stdout).not.toContain('\u001b');
    expect((await run('offers')).stdout).not.toContain('\u001b');
  });

  test('Ctrl-C while it starts asks: Enter keeps it', async () => {
    broker.startsAtOnce = false;
    const { code, stdout } = await run('up 4090 --name kept', {
      columns: 80,
      answers: [
        [/looking for a machine/, '\u0003'],
        ['[w]ait on?', '\r'],
      ],
    });
    expect([code, stdout]).toEqual([130, expect.stringContaining('kept goes on. To end it: wl down kept')]);
    expect(stdout).toContain('nothing is paid until it runs');
    expect((await run('ls -q')).stdout).not.toBe('');
    await run('down kept');
  });

  test('Ctrl-C, then c, cancels it; a second Ctrl-C keeps it', async () => {
    broker.startsAtOnce = false;
    const answers = (last: string) =>
      [
        [/looking for a machine/, '\u0003'],
        ['[w]ait on?', last],
      ] as const;
    const cancelled = await run('up 4090 --name gone', { columns: 80, answers: answers('c\r') });
    expect([cancelled.code, cancelled.stdout]).toEqual([
      130,
      expect.stringContaining('gone is cancelled; nothing runs'),
    ]);
    expect((await run('ls -q')).stdout).toBe('');
    const kept = await run('up 4090 --name kept', { columns: 80, answers: answers('\u0003') });
    expect([kept.code, kept.stdout]).toEqual([130, expect.stringContaining('To end it: wl down kept')]);
    await run('down kept');
  });

  test('Ctrl-C, then w, waits on until it runs', async () => {
    broker.startsAtOnce = false;
    const running = run('up 4090 --name waited', {
      columns: 80,
      answers: [
        [/looking for a machine/, '\u0003'],
        ['[w]ait on?', 'w\r'],
      ],
    });
    const before = broker.ordered.length;
    await until(() => broker.ordered.length > before, { name: 'it is ordered' });
    setTimeout(() => void broker.start(broker.ordered.at(-1)!), 2_500);
    const { code, stdout } = await running;
    expect([code, stdout]).toEqual([0, expect.stringContaining('ready')]);
    await run('down waited');
  });

  test('an order above confirm_above is asked for', async () => {
    await login();
    const no = await run('up 8x4090 --hours 10', { columns: 80, answers: [['Rent? [y/N]', 'n\r']] });
    expect([no.code, no.stdout]).toEqual([130, expect.stringContaining('nothing was rented')]);
    expect((await run('ls -q')).stdout).toBe('');
  });
});

describe('without a terminal', () => {
  test('SIGTERM keeps the job that starts, or cancels it if that was asked for; both exit 130', async () => {
    broker.startsAtOnce = false;
    const kept = await signalled('up 4090 --name kept');
    expect([kept.code, kept.stderr]).toEqual([130, expect.stringContaining('To end it: wl down kept')]);
    await run('down kept');
    const gone = await signalled('up 4090 --name gone --on-interrupt cancel');
    expect([gone.code, gone.stderr]).toEqual([130, expect.stringContaining('gone is cancelled')]);
    expect((await run('ls -q')).stdout).toBe('');
  });

  /** Sends the signal once it follows what it has ordered. */
  async function signalled(line: string) {
    const followed = async () => (await eventStreams.get()).values[0]?.value ?? 0;
    const before = await followed();
    const child = wl.start(line.split(' '));
    // From then on it knows the job.
    await until(async () => (await followed()) > before, { name: 'it follows the job' });
    child.kill('SIGTERM');
    return await child.ended;
  }
});

test('a stranger’s name for a GPU harms no terminal: compared by bytes', async () => {
  const { pool } = broker.database;
  await run('up 4090 --name train');
  await pool.query(`update jobs set gpu_model = $1, message = $1, job_name = $2 where job_name = 'train'`, [
    hostile,
    'tr\u001b[31main',
  ]);
  for (const line of ['ls', 'ls -a', 'ls --json', 'ls --no-color']) {
    const { stdout, stderr } = await run(line);
    expect([line, obeyed.test(stdout + stderr)]).toEqual([line, false]);
  }
  const [job] = JSON.parse((await run('ls --json')).stdout).jobs;
  // A program gets what the broker said; only the way in which it is written is harmless.
  expect(job.gpu_model).toBe(hostile);
  const { stdout } = await run('ls');
  expect(stdout).toContain('RTX]0;owned[2J 4090');
  expect(obeyed.test((await run(`show ${job.job_id.slice(-4)}`)).stdout)).toBe(false);
  await run(`down ${job.job_id}`);
});

describe('a login by the browser', () => {
  /** A browser that writes down what it was told to open. */
  const browser = () => {
    const file = join(wl.home, `opened-${Date.now()}`);
    const program = `${file}.sh`;
    writeFileSync(program, `#!/bin/sh\nprintf %s "$1" > ${file}.part && mv ${file}.part ${file}\n`);
    chmodSync(program, 0o755);
    return { program, file };
  };

  /** What the page does: asks for the challenge, and has the wallet sign it. */
  async function signed(request: LoginSignRequest): Promise<SignAnswer> {
    const { json } = await broker.api.send('POST', '/api/v1/auth/challenge', {
      body: {
        ...{ wallet: wallet.address, session_key: request.sessionKey, scopes: request.scopes },
        ...{ spend_limit: request.spendLimit, ttl_seconds: request.ttlSeconds },
      },
    });
    const { message, domain } = json.typed_data;
    const chainId = Number(domain.chainId);
    const signature = await wallet.signTypedData(
      delegationTypedData({ ...message, spendLimit: BigInt(message.spendLimit) }, chainId),
    );
    const { issuedAt, expiresAt, nonce } = message;
    return {
      wallet: wallet.address,
      chainId,
      issuedAt: Number(issuedAt),
      expiresAt: Number(expiresAt),
      nonce,
      signature,
    };
  }

  const ask = (url: string, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      get(url, { headers }, (response) => resolve(response.resume().statusCode!)).once('error', reject);
    });

  test('shows the page’s address and a code of four words, takes one answer at its secret path, and is logged in', async () => {
    const { program } = browser();
    let ended = false;
    const child = wl.start(['login', '--spend-limit', '5'], { env: { BROWSER: program } });
    void child.ended.then(() => (ended = true));
    const shown = await child.shows(/#\S+/);
    const request = readSignFragment(/#(\S+)/.exec(shown)![1]!) as LoginSignRequest;
    expect(request).toMatchObject({ kind: 'login', spendLimit: '5000000000000000000' });
    expect(await child.shows(/this code: \S+/)).toContain(request.code);
    const to = { port: request.port!, path: request.path! };
    const answer = await signed(request);
    const good = signAnswerUrl(to, answer);
    // Who does not know the path, who comes by another name, and who brings nonsense gets nothing and ends nothing.
    expect(await ask(`http://127.0.0.1:${to.port}/`)).toBe(404);
    expect(await ask(good, { host: `evil.example.com:${to.port}` })).toBe(404);
    expect(await ask(`http://127.0.0.1:${to.port}${to.path}?wallet=0x`)).toBe(400);
    expect(ended).toBe(false);
    const [first, second] = [await ask(good), await ask(good).catch(() => 0)];
    expect(first).toBe(200);
    expect([0, 410]).toContain(second);
    const { code, stdout } = await child.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining(wallet.address.toLowerCase())]);
    expect((await run('ls')).code).toBe(0);
  });

  test('without a browser takes the answer by paste', async () => {
    const child = wl.start(['login', '--spend-limit', '5', '--no-browser']);
    const request = readSignFragment(/#(\S+)/.exec(await child.shows(/#\S+/))![1]!) as LoginSignRequest;
    expect(request.port).toBeUndefined();
    await child.shows('What the page gave you');
    child.write(`${signAnswerText(await signed(request))}\n`);
    expect((await child.ended).code).toBe(0);
  });

  test('an answer for more than was asked for is refused, and nothing is stored', async () => {
    await run('logout');
    const child = wl.start(['login', '--spend-limit', '5', '--for', '1h', '--no-browser']);
    const request = readSignFragment(/#(\S+)/.exec(await child.shows(/#\S+/))![1]!) as LoginSignRequest;
    const longer = await signed({ ...request, ttlSeconds: 7_200 });
    await child.shows('What the page gave you');
    child.write(`${signAnswerText(longer)}\n`);
    const { code, stderr } = await child.ended;
    expect([code, stderr]).toEqual([8, expect.stringContaining('expiresAt')]);
    expect((await run('ls')).code).toBe(3);
  });

  test('a refusal in the wallet: 3', async () => {
    const child = wl.start(['login', '--no-browser']);
    await child.shows('What the page gave you');
    child.write('refused=1\n');
    const { code, stderr } = await child.ended;
    expect([code, stderr]).toEqual([3, expect.stringContaining('the wallet refused')]);
  });
});
