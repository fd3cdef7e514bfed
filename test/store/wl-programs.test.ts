import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { generatePrivateKey } from 'viem/accounts';
import { putProvider } from '../support/fleet.js';
import { startWlBroker, type WlBroker } from '../support/wl-broker.js';
import { startWl, type RunOptions, type Wl } from '../support/wl.js';

let broker: WlBroker;
let wl: Wl;
const walletKey = generatePrivateKey();

beforeAll(async () => {
  broker = await startWlBroker();
  wl = await startWl({ WORLDLAND_API: broker.api.url });
  await putProvider(broker.database.pool, { providerId: 'borealis', gpuPrice: 0.5 });
  await wl.run(['config', 'set', 'ssh_config', 'no']);
  await wl.run(['login', '--wallet', 'env', '--spend-limit', '1000'], { env: { WALLET_PRIVATE_KEY: walletKey } });
}, 120_000);
afterAll(async () => {
  wl?.remove();
  await broker?.stop();
});
beforeEach(async () => {
  await wl.run(['down', '--all', '-y']);
});

const run = (line: string, options: RunOptions = {}) => wl.run(line.split(' '), options);
const ordered = () => broker.ordered.at(-1)!;

describe('a job with a main program', () => {
  const withProgram = (name: string) =>
    wl.run(['up', '4090', '--name', name, '--command', 'python train.py', '--restart', 'on_failure']);

  test('is shown with what its program does', async () => {
    expect((await withProgram('trains')).code).toBe(0);
    expect((await run('show trains')).stdout).toContain('  program started, restarted when it fails\n');
  });

  test('that failed ends the wait for its end with 7 and with the reason, and --json still prints the job', async () => {
    await withProgram('breaks');
    await broker.fail(ordered(), 'container_exited', 'the program ended with exit code 3', 3);
    const id = ordered().jobId;
    const said = await run(`wait ${id} --for ended`);
    expect([said.code, said.stdout]).toEqual([7, '']);
    expect(said.stderr).toContain('breaks: failed: the program ended with exit code 3 (container_exited)');
    expect(said.stderr).toContain(`wl logs ${id}`);
    const json = await run(`wait ${id} --for ended --json`);
    expect([json.code, JSON.parse(json.stdout).program.exit_code]).toEqual([7, 3]);
    expect(await run(`wait ${id} --for ended -q`)).toMatchObject({ code: 7, stdout: `${id}\n` });
    expect((await run(`show ${id}`)).stdout).toContain('  program has ended with exit code 3');
  });

  test('that somebody ended ends the wait for its end with 0', async () => {
    await withProgram('stops');
    await broker.end(ordered());
    const id = ordered().jobId;
    expect(await run(`wait ${id} --for ended`)).toMatchObject({ code: 0, stdout: 'stops is cancelled\n' });
  });
});

describe('the login at a registry', () => {
  const inDatabase = async () => {
    const { rows } = await broker.database.pool.query<{ registry_auth: unknown }>(
      'select registry_auth from jobs where job_id = $1',
      [ordered().jobId],
    );
    return rows[0]!.registry_auth;
  };
  const up = (more: string, options: RunOptions = {}) =>
    run(`up 4090 --image registry.example.com/team/model:3 ${more}`, options);

  test('goes along with the order, its password from a file or from the environment', async () => {
    const file = join(wl.home, 'registry-password');
    writeFileSync(file, 'pull only\n', { mode: 0o600 });
    expect((await up(`--registry-auth robot --registry-password-file ${file}`)).code).toBe(0);
    expect(await inDatabase()).toEqual({ username: 'robot', password: 'pull only' });
    expect(JSON.stringify(ordered())).not.toContain('pull only');
    const env = { WORLDLAND_REGISTRY_PASSWORD: 'of-the-environment' };
    expect((await up('--registry-auth robot', { env })).code).toBe(0);
    expect(await inDatabase()).toEqual({ username: 'robot', password: 'of-the-environment' });
  });

  test('is printed nowhere, not even with --json', async () => {
    const env = { WORLDLAND_REGISTRY_PASSWORD: 'a-secret-of-mine' };
    for (const more of ['--registry-auth robot', '--registry-auth robot --json', '--registry-auth robot --detach']) {
      const { code, stdout, stderr } = await up(more, { env });
      expect([code, `${stdout}${stderr}`]).toEqual([0, expect.not.stringContaining('a-secret-of-mine')]);
    }
    expect((await run('show --json ' + ordered().jobId)).stdout).not.toContain('a-secret-of-mine');
  });

  test('that is not complete orders nothing, and says what to add', async () => {
    const before = broker.ordered.length;
    const empty = join(wl.home, 'empty');
    writeFileSync(empty, '\n', { mode: 0o600 });
    for (const [more, wanted] of [
      ['--registry-auth robot', '--registry-password-file FILE'],
      ['--registry-auth robot:password', 'takes the name alone'],
      [`--registry-password-file ${empty}`, '--registry-auth NAME'],
      [`--registry-auth robot --registry-password-file ${empty}`, 'is empty'],
      ['--registry-auth robot --registry-password-file /nowhere', 'cannot be read'],
    ] as const) {
      const { code, stderr } = await up(more);
      expect([more, code, stderr]).toEqual([more, 2, expect.stringContaining(wanted)]);
    }
    expect(broker.ordered).toHaveLength(before);
  });
});
