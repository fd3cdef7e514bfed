import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silent } from '../../engines/log.js';
import { loopbackAddress } from '../../engines/simulated-provider/answering.js';
import { greetAt, greeting } from '../../engines/simulated-provider/ssh-greeter.js';
import { findGo } from '../../engines/tools/go-build.js';
import { findSshServer } from '../../engines/tools/ssh-server.js';
import { findOnPath } from '../../engines/tools/tool.js';
import { lookIdent } from '../../activities/ssh-look.js';
import { knownHostsLine } from '../../src/domain/job.js';
import { newSshHostKey, publicSshHostKey } from '../../src/kubernetes/ssh-host-key.js';
import { lookAt } from '../../src/ssh/look.js';
import { freePort } from '../support/free-port.js';
import { describeUnless } from '../support/needs.js';
import { spawnSshServer } from '../support/ssh-server.js';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'ssh-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const hasLoopback = process.platform === 'linux' ? undefined : 'Linux, which has all of 127.0.0.0/8';
const missing = hasLoopback ?? (findOnPath('ssh', process.env) === undefined ? 'ssh' : undefined);

/** The system's client, which takes no other key than this one. */
async function ssh(host: string, port: number, hostKey: string, ...command: string[]) {
  const known = join(folder, `known-${port}`);
  writeFileSync(known, `${knownHostsLine({ host, port, hostKey })}\n`);
  const options = [
    `UserKnownHostsFile=${known}`,
    'GlobalKnownHostsFile=none',
    'StrictHostKeyChecking=yes',
    'BatchMode=yes',
  ];
  const args = ['-F', 'none', ...options.flatMap((option) => ['-o', option]), `root@${host}`, '-p', String(port)];
  return await promisify(execFile)('ssh', [...args, ...command], { timeout: 20_000 });
}

describeUnless(missing)('a simulated machine', () => {
  test('lets the system’s ssh in at an address of its own, with the job’s key, and says what it is', async () => {
    const key = newSshHostKey();
    const [address, port] = [loopbackAddress('greeted', folder), await freePort()];
    const greeter = await greetAt(address, port, key);
    try {
      for (const command of [[], ['nvidia-smi']]) {
        const { stdout } = await ssh(address, port, publicSshHostKey(key), ...command);
        expect(stdout.trim()).toBe(greeting);
      }
      await expect(ssh(address, port, publicSshHostKey(newSshHostKey()))).rejects.toThrow(
        /Host key verification failed/,
      );
    } finally {
      greeter.close();
    }
  });

  test('stands at the same address each time, and two machines at two', () => {
    expect(loopbackAddress('one', 'stack')).toBe(loopbackAddress('one', 'stack'));
    expect(loopbackAddress('one', 'stack')).not.toBe(loopbackAddress('two', 'stack'));
    expect(loopbackAddress('one', 'stack')).toMatch(/^127\.(?:6[4-9]|[7-9]\d|1[0-8]\d|19[01])\.\d+\.(?!0$)\d+$/);
  });
});

describeUnless(missing ?? (findGo(process.env) === undefined ? 'Go' : undefined))('the SSH server of jobs', () => {
  test('is opened by the broker’s look and by no other, and then takes the customer’s key', async () => {
    const [key, port] = [newSshHostKey(), await freePort()];
    const [hostKeyFile, own] = [join(folder, 'host_key'), join(folder, 'mine')];
    writeFileSync(hostKeyFile, key, { mode: 0o600 });
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', own]);
    const { path } = await findSshServer(silent);
    const listen = ['--address', '127.0.0.1', '--port', String(port), '--await-look'];
    const keys = ['--authorized-keys', `${own}.pub`, '--host-key', hostKeyFile];
    const server = spawnSshServer(path, [...listen, ...keys], 'ignore');
    try {
      const hostKey = publicSshHostKey(key);
      const opened = ['127.0.0.0/8'];
      const look = (ident: string) => lookAt({ host: '127.0.0.1', port, hostKey, ident, opened, timeoutMs: 5_000 });
      while ((await look('worldland_look_of_a_stranger')).kind !== 'own_key') await new Promise(setImmediate);
      let isIn = false;
      const login = ssh('127.0.0.1', port, hostKey, '-i', own, 'echo in').then(({ stdout }) => {
        isIn = true;
        return stdout;
      });
      await look('worldland_look_of_a_stranger');
      // Many times as long as a login takes that nobody holds up: without this it could not be in yet.
      await Promise.race([login, new Promise((resolve) => setTimeout(resolve, 2_000))]);
      expect(isIn).toBe(false);
      expect(await look(lookIdent(readFileSync(hostKeyFile)))).toEqual({ kind: 'own_key' });
      expect(await login).toBe('in\n');
    } finally {
      server.kill('SIGKILL');
    }
  }, 120_000);
});
