import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { install, type Target } from '../../src/provider-agent/install.js';
import { readOptions, UsageError } from '../../src/provider-agent/options.js';
import { environmentText, ownMark, unitText } from '../../src/provider-agent/unit-file.js';

const folder = mkdtempSync(join(tmpdir(), 'agent-install-'));
afterAll(() => rmSync(folder, { recursive: true }));
let machines = 0;

const unitPath = 'etc/systemd/system/worldland-provider.service';
const environmentPath = 'etc/worldland-provider.env';
const good = { broker: 'https://broker.example.com', id: 'gpu-1', 'gpu-price': '0.5', join: 'yes' };

/** A machine with systemd, whose commands are noted. */
function machine({ hasSystemd = true, ...changes }: Partial<Target> & { hasSystemd?: boolean } = {}) {
  const root = join(folder, String(machines++));
  mkdirSync(join(root, hasSystemd ? 'run/systemd/system' : 'run'), { recursive: true });
  const calls: string[] = [];
  const target: Target = {
    ...{ root, isRoot: true, env: {}, program: { node: '/usr/bin/node', script: '/usr/lib/agent/main.js' } },
    systemctl: async (args) => {
      calls.push(args.join(' '));
      return { code: 0, stdout: '', stderr: '' };
    },
    ...changes,
  };
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  return {
    ...{ root, calls, said },
    run: (flags: Record<string, string | boolean> = good, env: NodeJS.ProcessEnv = {}) =>
      install(readOptions('install', flags, env), { say, print: say }, target),
    read: (path: string) => readFileSync(join(root, path), 'utf8'),
    put(path: string, text: string) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    },
  };
}

test('the agent becomes a service with the options given, in a file that only root can read', async () => {
  const { run, read, calls, root } = machine();
  await run();
  expect(read(unitPath)).toMatch(/^ExecStart=\/usr\/bin\/node \/usr\/lib\/agent\/main\.js run$/m);
  expect(read(environmentPath).split('\n')).toEqual([
    ...[ownMark, 'BROKER_URL="https://broker.example.com"', 'PROVIDER_ID="gpu-1"'],
    ...['PROVIDER_JOIN="yes"', 'GPU_PRICE_PER_HOUR="0.5"', ''],
  ]);
  expect(statSync(join(root, environmentPath)).mode & 0o777).toBe(0o600);
  expect(calls).toEqual([
    ...['daemon-reload', 'enable worldland-provider.service', 'start worldland-provider.service'],
  ]);
});

test('what was installed reads back as the options that were given', async () => {
  const flags = { ...good, 'gpu-prices': 'NVIDIA "X" $1 `%i`=1.8,B\\=0.5', 'skip-checks': 'swap,cgroup_driver' };
  const { run, read } = machine();
  await run({ ...flags, insecure: true }, { REDIS_URL: 'rediss://me:p%40ss@redis.example.com' });
  // As systemd reads such a file.
  const env = Object.fromEntries(
    [...read(environmentPath).matchAll(/^(\w+)="(.*)"$/gm)].map(([, name, value]) => [
      name,
      value!.replaceAll(/\\([\\"`$])/g, '$1'),
    ]),
  );
  expect(read(unitPath)).toMatch(/ run --insecure$/m);
  expect(readOptions('run', { insecure: true }, env)).toEqual(
    readOptions('run', { ...flags, insecure: true }, { REDIS_URL: 'rediss://me:p%40ss@redis.example.com' }),
  );
});

test('repeating it changes nothing and does not restart the agent; another price does', async () => {
  const { run, calls, read } = machine();
  await run();
  calls.length = 0;
  await run();
  expect(calls).toEqual(['daemon-reload', 'enable worldland-provider.service', 'start worldland-provider.service']);
  calls.length = 0;
  await run({ ...good, 'gpu-price': '0.7' });
  expect([calls[0], calls.at(-1)]).toEqual(['stop worldland-provider.service', 'start worldland-provider.service']);
  expect(read(environmentPath)).toMatch(/GPU_PRICE_PER_HOUR="0.7"/);
});

test('an installation that failed halfway leaves no agent with the old options, and a repetition starts it', async () => {
  let failing = '';
  const calls: string[] = [];
  const systemctl = async ([verb = '']: readonly string[]) => {
    calls.push(verb);
    return { code: verb === failing ? 1 : 0, stdout: '', stderr: 'Failed to connect to bus\n' };
  };
  const { run } = machine({ systemctl });
  await run();
  failing = 'daemon-reload';
  calls.length = 0;
  await expect(run({ ...good, 'gpu-price': '0.7' })).rejects.toThrow(
    'systemctl daemon-reload failed: Failed to connect',
  );
  expect(calls).toEqual(['stop', 'daemon-reload']);
  failing = '';
  await run({ ...good, 'gpu-price': '0.7' });
  expect(calls.at(-1)).toBe('start');
});

test('a file of options that others may read is closed to them', async () => {
  const { run, root } = machine();
  await run();
  chmodSync(join(root, environmentPath), 0o644);
  await run();
  expect(statSync(join(root, environmentPath)).mode & 0o777).toBe(0o600);
});

test('--print shows files and commands, without passwords, and changes nothing', async () => {
  const { run, said, root, calls } = machine({ isRoot: false });
  await run({ ...good, print: true }, { REDIS_URL: 'rediss://me:secret@redis.example.com' });
  expect(said.join('\n')).toMatch(
    /ExecStart=.*REDIS_URL="rediss:\/\/me:…@redis.example.com"|REDIS_URL="rediss:\/\/me:…@redis/s,
  );
  expect(said.join('\n')).not.toMatch(/secret/);
  expect([existsSync(join(root, 'etc')), calls]).toEqual([false, []]);
});

describe('an installation is refused', () => {
  test.each<[string, Record<string, string | boolean>, RegExp]>([
    ['without a broker', { join: 'yes' }, /no broker/],
    ['over a connection that an impostor could take', { ...good, broker: 'http://broker.example.com' }, /no TLS/],
    ['when somebody would have to be asked', { broker: good.broker }, /--join yes or --join no/],
    ['when it would undo every leave', { ...good, rejoin: true }, /--rejoin/],
    ['with a path that only holds here', { ...good, delegation: 'delegation.json' }, /whole path/],
    ['with a file that is not there', { ...good, 'mining-config': '/none.json' }, /is not a valid mining_config/],
    ['with a line break in a value', { ...good, state: '/a\nLD_PRELOAD=/x' }, /control characters/],
  ])('an installation %s is refused, and says what to type', async (_, flags, text) => {
    const { run, root } = machine();
    await expect(run(flags)).rejects.toThrow(UsageError);
    await expect(run(flags)).rejects.toThrow(text);
    expect(existsSync(join(root, 'etc'))).toBe(false);
  });

  test.each<[string, Parameters<typeof machine>[0], RegExp]>([
    ['without root', { isRoot: false }, /requires root/],
    ['without systemd', { hasSystemd: false }, /does not run systemd/],
    ['from the sources', { program: { node: '/n', script: '/src/main.ts' } }, /build it/],
    ['from the cache of npx', { program: { node: '/n', script: '/home/me/.npm/_npx/ab/main.js' } }, /npm install -g/],
  ])('an installation %s is refused', async (_, changes, text) => {
    const { run } = machine(changes);
    await expect(run()).rejects.toThrow(text);
  });

  test.each([unitPath, environmentPath])(
    'a file %s of somebody else is neither overwritten nor removed',
    async (path) => {
      const { run, put, read, calls } = machine();
      put(path, '[Unit]\n# ours\n');
      await expect(run()).rejects.toThrow(/was not written by/);
      await expect(run({ remove: true })).rejects.toThrow(/was not written by/);
      expect([read(path), calls]).toEqual(['[Unit]\n# ours\n', []]);
    },
  );

  test('a unit that the administrator has masked stays masked', async () => {
    const { run, root } = machine();
    mkdirSync(join(root, unitPath, '..'), { recursive: true });
    symlinkSync('/dev/null', join(root, unitPath));
    await expect(run()).rejects.toThrow(/was not written by/);
    expect(lstatSync(join(root, unitPath)).isSymbolicLink()).toBe(true);
  });
});

test('--remove stops the service and takes its files away, twice without harm', async () => {
  const { run, calls, said, root } = machine();
  await run();
  calls.length = 0;
  await run({ remove: true });
  expect(calls).toEqual(['disable --now worldland-provider.service', 'daemon-reload']);
  expect([unitPath, environmentPath].map((path) => existsSync(join(root, path)))).toEqual([false, false]);
  await run({ remove: true });
  expect(said.at(-1)).toBe('no service is installed');
});

test('systemd does not replace what looks like its own words in a path', () => {
  const program = { node: '/opt/my node/bin/node', script: '/opt/100%/$HOME/main.js' };
  const unit = unitText(program, { flags: [], environmentFile: '/e' });
  expect(unit).toMatch(/^ExecStart="\/opt\/my node\/bin\/node" \/opt\/100%%\/\$\$HOME\/main\.js run$/m);
  expect(environmentText([['A', '\\"$`']])).toMatch(/^A="\\\\\\"\\\$\\`"$/m);
});
