import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { knownHostsLine } from '../../src/domain/job.js';
import { silent } from '../../engines/log.js';
import { findGo } from '../../engines/tools/go-build.js';
import { findSshServer } from '../../engines/tools/ssh-server.js';
import { findOnPath } from '../../engines/tools/tool.js';
import { newSshHostKey, publicSshHostKey } from '../../src/kubernetes/ssh-host-key.js';
import { readUse } from '../../src/domain/job-use.js';
import { askMachine } from '../../src/ssh/ask-use.js';
import { observerKeyOf } from '../../src/ssh/observer-key.js';
import { describeUnless } from '../support/needs.js';
import { spawnSshServer } from '../support/ssh-server.js';

const missing =
  process.platform !== 'linux'
    ? 'Linux'
    : (['ssh', 'scp', 'sftp', 'ssh-keygen'].find((name) => findOnPath(name, process.env) === undefined) ??
      (findGo(process.env) === undefined ? 'Go' : undefined));

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

const jobId = '01890a5d-ac96-774b-bcce-b302099a8057';
const observer = observerKeyOf(Buffer.alloc(32, 1), jobId);

let folder: string;
let server: ChildProcess;
let port: number;
let hostKey: string;

describeUnless(missing)('the SSH server and the client of this system', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssh-'));
    hostKey = newSshHostKey();
    writeFileSync(join(folder, 'host_key'), hostKey, { mode: 0o600 });
    for (const name of ['mine', 'another'])
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    mkdirSync(join(folder, 'volume'));
    const { path } = await findSshServer(silent);
    await run(path, ['install', join(folder, 'volume')]);
  }, 300_000);

  // One of the tests stops it.
  beforeEach(async () => {
    let logged = '';
    const listen = ['--address', '127.0.0.1', '--port', '0'];
    const keys = ['--authorized-keys', join(folder, 'mine.pub'), '--host-key', join(folder, 'host_key')];
    server = spawnSshServer(
      join(folder, 'volume/sshd'),
      [...listen, ...keys, '--observer-key', observer.publicKey],
      ['ignore', 'pipe', 'inherit'],
      { PATH: process.env['PATH'], WORLDLAND_GPU_COUNT: '2' },
    );
    server.stdout!.setEncoding('utf8').on('data', (text: string) => (logged += text));
    while (!/listening.*:(\d+)/.test(logged)) await sleep(10);
    port = Number(/listening.*?:(\d+)/.exec(logged)![1]);
    const access = { host: '127.0.0.1', port, user: 'root' as const, hostKey: publicSshHostKey(hostKey) };
    writeFileSync(join(folder, 'known_hosts'), `${knownHostsLine(access)}\n`);
  });
  afterEach(() => void server.kill('SIGKILL'));

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const options = ({ key = 'mine', knownHosts = 'known_hosts' } = {}) => [
    ...['-F', 'none', '-i', join(folder, key), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
    ...['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${join(folder, knownHosts)}`],
    ...['-o', 'GlobalKnownHostsFile=none'],
  ];
  const destination = () => ['-p', String(port), 'root@127.0.0.1'];
  const ssh = (...args: string[]) => run('ssh', [...options(), ...destination(), ...args]);

  test('the SSH client logs in with the known_hosts line, and a command returns its output and exit status', async () => {
    expect(await ssh('echo $WORLDLAND_GPU_COUNT; echo bad >&2; exit 3')).toEqual({
      code: 3,
      stdout: '2\n',
      stderr: 'bad\n',
    });
  });

  test('the SSH client disconnects when the host key is not the one in known_hosts', async () => {
    writeFileSync(join(folder, 'forged'), `[127.0.0.1]:${port} ${publicSshHostKey(newSshHostKey())}\n`);
    const { code, stderr } = await run('ssh', [...options({ knownHosts: 'forged' }), ...destination(), 'true']);
    expect(code).toBe(255);
    expect(stderr).toMatch(/Host key verification failed/);
  });

  test('the SSH server refuses a key that was not given to it, and does not ask for a password', async () => {
    const { code, stderr } = await run('ssh', [...options({ key: 'another' }), ...destination(), 'true']);
    expect(code).toBe(255);
    expect(stderr).toMatch(/Permission denied \(publickey\)/);
  });

  test('the SSH server provides a terminal on request', async () => {
    const { code, stdout } = await ssh('-tt', 'tty; stty size; echo $TERM');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\/dev\/pts\/\d+\r\n\d+ \d+\r\n/);
  });

  test('files can be copied both ways, with scp and with sftp', async () => {
    const content = 'weights '.repeat(100_000);
    writeFileSync(join(folder, 'there'), content);
    const target = `root@127.0.0.1:${join(folder, 'arrived')}`;
    expect(await run('scp', [...options(), '-q', '-P', String(port), join(folder, 'there'), target])).toMatchObject({
      code: 0,
    });
    expect(readFileSync(join(folder, 'arrived'), 'utf8')).toBe(content);
    writeFileSync(join(folder, 'batch'), `get ${join(folder, 'arrived')} ${join(folder, 'back')}\n`);
    const sftp = ['-q', ...options(), '-b', join(folder, 'batch'), '-P', String(port), 'root@127.0.0.1'];
    expect(await run('sftp', sftp)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'back'), 'utf8')).toBe(content);
  });

  test('the SSH server forwards a connection to a notebook that listens on loopback, and to nowhere else', async () => {
    const notebook: Server = createServer((_, response) => response.end('notebook')).listen(0, '127.0.0.1');
    await once(notebook, 'listening');
    const { port: inside } = notebook.address() as AddressInfo;
    const forward = (to: string) => run('ssh', [...options(), '-W', to, ...destination()], 'GET / HTTP/1.0\r\n\r\n');
    expect((await forward(`localhost:${inside}`)).stdout).toMatch(/notebook$/);
    expect((await forward('169.254.169.254:80')).stderr).toMatch(/administratively prohibited/);
    notebook.close();
  });

  test('the broker asks what the job uses with its own key, the customer with his, and nobody else', async () => {
    const asked = { jobId, host: '127.0.0.1', port, hostKey: publicSshHostKey(hostKey) };
    const opened = ['127.0.0.0/8'];
    const broker = await askMachine(asked, { key: observer, opened });
    expect(broker).toMatchObject({ kind: 'use', use: { stepS: 30, gpus: [] } });
    const another = observerKeyOf(Buffer.alloc(32, 1), 'another job');
    expect(await askMachine(asked, { key: another, opened })).toEqual({ kind: 'refused' });
    const { code, stdout } = await run('ssh', [...options(), '-T', '-s', ...destination(), 'worldland-use']);
    expect(code).toBe(0);
    expect(readUse(stdout, new Date())!.samples.length).toBeGreaterThan(0);
  });

  test('the SSH server disconnects its clients when it is told to stop, and exits with success', async () => {
    const session = spawn('ssh', [...options(), ...destination(), 'echo ready; sleep 60'], { stdio: 'pipe' });
    await once(session.stdout, 'data');
    const left = once(session, 'exit');
    const stopped = once(server, 'exit');
    server.kill('SIGTERM');
    expect((await stopped)[0]).toBe(0);
    expect((await left)[0]).toBe(255);
  });
});

function run(command: string, args: string[], input = ''): Promise<Result> {
  return new Promise((done) => {
    const child = execFile(command, args, { timeout: 30_000, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : ((error as { code?: number }).code ?? -1), stdout, stderr }),
    );
    // It may have ended before it read any of it.
    child.stdin!.on('error', () => undefined).end(input);
  });
}
