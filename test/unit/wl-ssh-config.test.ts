import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findOnPath } from '../../engines/tools/tool.js';
import type { SshFolder } from '../../src/cli/files/folder.js';
import { hostAliases, sshTargetOf, type SshJob } from '../../src/words/ssh-target.js';
import { addInclude, includeState, removeInclude } from '../../src/cli/ssh/include.js';
import { ownSshFiles, removeSshFiles, writeSshFiles } from '../../src/cli/ssh/own-files.js';
import { describeUnless } from '../support/needs.js';

const missing = findOnPath('ssh', process.env) === undefined ? 'the program ssh' : undefined;

let home: string;
let folder: SshFolder;
let path: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'wl ssh 100%-'));
  folder = { path: join(home, '.ssh'), isUsual: false };
  mkdirSync(folder.path, { mode: 0o700 });
  path = join(folder.path, 'config');
});
afterEach(() => rmSync(home, { recursive: true }));

const hostKey = `ssh-ed25519 ${'A'.repeat(68)}`;
const job = (changes: Partial<SshJob> = {}): SshJob => ({
  ...{ job_id: '01a213d5-7827-7f47-ba5f-71098ca0dbe5', job_name: 'train', ssh_host: '198.19.77.203', ssh_port: 27_521 },
  ...{ ssh_user: 'root', ssh_host_key: hostKey, ...changes },
});
/** What ssh makes of a host's name with the user's file. */
const effective = (host: string) =>
  Object.fromEntries(
    execFileSync('ssh', ['-G', '-F', path, host], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n')
      .map((line) => line.split(/ (.*)/s).slice(0, 2) as [string, string]),
  );

describeUnless(missing)('the two lines in the SSH configuration', () => {
  const before = 'Host old\n  User me\nHost *\n  ForwardAgent yes\n  StrictHostKeyChecking no\n  Port 2200\n';

  test('make the host of a job known, and nothing of the user’s weakens it', async () => {
    writeFileSync(path, before, { mode: 0o600 });
    await writeSshFiles(folder, [{ job: job(), identity: '/home/me/my key' }]);
    await addInclude(folder);
    const found = effective('wl-train');
    expect(found).toMatchObject({
      ...{ hostname: '198.19.77.203', port: '27521', user: 'root', forwardagent: 'no', forwardx11: 'no' },
      ...{ stricthostkeychecking: 'true', updatehostkeys: 'false', globalknownhostsfile: '/dev/null' },
      ...{ hostkeyalias: 'wl-01a213d5-7827-7f47-ba5f-71098ca0dbe5', identityfile: '/home/me/my key' },
      hostkeyalgorithms: 'ssh-ed25519',
    });
    expect(found['userknownhostsfile']).toBe(ownSshFiles(folder).knownHosts);
    expect(effective('wl-dbe5')['hostname']).toBe('198.19.77.203');
    expect(effective('old')).toMatchObject({ user: 'me', port: '2200' });
    const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
    const { config, knownHosts, folder: own } = ownSshFiles(folder);
    expect([mode(own), mode(config), mode(knownHosts)]).toEqual(['700', '600', '600']);
  });

  test('stand on top, once, whatever is done twice, and are taken out to the byte', async () => {
    writeFileSync(path, before, { mode: 0o640 });
    await addInclude(folder);
    await addInclude(folder);
    const with2 = readFileSync(path, 'utf8');
    expect(with2.split('\n').slice(2).join('\n')).toBe(before);
    expect(with2.match(/^Include /gm)).toHaveLength(1);
    expect(includeState(folder).isThere).toBe(true);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('640');
    expect(readFileSync(`${path}.before-worldland`, 'utf8')).toBe(before);
    expect(await removeInclude(folder)).toBe(true);
    expect(await removeInclude(folder)).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('640');
  });

  test('leave every byte as it is: ends of lines, text that is no UTF-8, a last line without an end', async () => {
    const bytes = Buffer.concat([
      Buffer.from('# caf\r\nHost a\r\n  User '),
      Buffer.from([0xe9, 0xff]),
      Buffer.from('\r\n# end'),
    ]);
    writeFileSync(path, bytes, { mode: 0o600 });
    await addInclude(folder);
    const after = readFileSync(path);
    expect(after.subarray(after.length - bytes.length)).toEqual(bytes);
    expect(after.subarray(0, after.length - bytes.length).toString()).toMatch(
      /^# worldland[^\r\n]*\r\nInclude [^\r\n]*\r\n$/,
    );
    await removeInclude(folder);
    expect(readFileSync(path)).toEqual(bytes);
  });

  test('go into the file that a link leads to, and the link stays', async () => {
    const real = join(home, 'dotfiles-config');
    writeFileSync(real, before, { mode: 0o600 });
    symlinkSync('../dotfiles-config', path);
    await addInclude(folder);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toMatch(/^# worldland/);
    await removeInclude(folder);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toBe(before);
  });

  test('make the file where there is none, and take it away again', async () => {
    await addInclude(folder);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    await removeInclude(folder);
    removeSshFiles(folder);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('do not go into a file that is read-only, and the person is told what to put there', async () => {
    writeFileSync(path, before);
    chmodSync(path, 0o400);
    await expect(addInclude(folder)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('it is read-only'),
      remedy: expect.stringContaining('Include '),
    });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(existsSync(`${path}.before-worldland`)).toBe(false);
  });

  test('do not go into a file that ssh does not accept anyway', async () => {
    writeFileSync(path, 'NoSuchOption yes\n', { mode: 0o600 });
    await expect(addInclude(folder)).rejects.toThrow('ssh does not accept');
    expect(readFileSync(path, 'utf8')).toBe('NoSuchOption yes\n');
  });

  test('are taken back if ssh does not accept what they include', async () => {
    writeFileSync(path, before, { mode: 0o600 });
    mkdirSync(ownSshFiles(folder).folder);
    writeFileSync(ownSshFiles(folder).config, 'NoSuchOption yes\n');
    await expect(addInclude(folder)).rejects.toThrow('so it is as before');
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test('twenty at the same time put them there once', async () => {
    writeFileSync(path, before, { mode: 0o600 });
    await Promise.all(Array.from({ length: 20 }, () => addInclude(folder)));
    expect(readFileSync(path, 'utf8').match(/^Include /gm)).toHaveLength(1);
  });
});

describe('the hosts of jobs', () => {
  const id = (end: string) => `01a213d5-7827-7f47-ba5f-71098ca0${end}`;

  test('of two with the same name, the newer has it', () => {
    const aliases = hostAliases([
      { job_id: id('aaaa'), job_name: 'train' },
      { job_id: id('bbbb'), job_name: 'train' },
      { job_id: id('cccc'), job_name: 'with space' },
      { job_id: id('dddd') },
    ]);
    expect([...aliases.values()]).toEqual([['wl-aaaa'], ['wl-train', 'wl-bbbb'], ['wl-cccc'], ['wl-dddd']]);
  });

  test('vanish with their jobs', async () => {
    await writeSshFiles(folder, [{ job: job() }]);
    expect(readFileSync(ownSshFiles(folder).config, 'utf8')).toContain('Host wl-train wl-dbe5');
    await writeSshFiles(folder, []);
    expect(readFileSync(ownSshFiles(folder).config, 'utf8')).not.toContain('Host ');
    expect(readFileSync(ownSshFiles(folder).knownHosts, 'utf8')).toBe('');
  });

  test.each<[string, Partial<SshJob>]>([
    ['a host that is an option', { ssh_host: '-oProxyCommand=x' }],
    ['a host with a line break', { ssh_host: 'a\nProxyCommand x' }],
    ['a port that is none', { ssh_port: 70_000 }],
    ['a user with a blank', { ssh_user: 'root x' }],
    ['a key with a line break', { ssh_host_key: `ssh-ed25519 AAAA\nHost *` }],
    ['a key of no known type', { ssh_host_key: 'cert-authority AAAA' }],
    ['no key', { ssh_host_key: undefined }],
    ['an id that is none', { job_id: '../../x' }],
  ])('a broker that sends %s is not believed', (_what, changes) => {
    expect(sshTargetOf(job())).toBeDefined();
    expect(sshTargetOf(job(changes))).toBeUndefined();
  });
});
