import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LockHeld, takeLock, withLock } from '../../engines/lock.js';
import { silent } from '../../engines/log.js';
import { cacheRoot, packageRoot } from '../../engines/paths.js';
import { isFree, Ports } from '../../engines/ports.js';
import { processStart } from '../../engines/process-identity.js';
import { findBuiltTools } from '../../engines/tools/built-tools.js';
import { findRedis } from '../../engines/tools/redis.js';
import { compareVersions } from '../../engines/tools/tool.js';
import { isReachable } from '../../engines/tools/unprivileged.js';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engines-'));
  chmodSync(folder, 0o755);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A program that prints a version. */
function program(path: string, version: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
  return path;
}

describe('a tool is looked for', () => {
  const group = {
    module: 'temporal' as const,
    ldflags: '',
    takes: '',
    tools: {
      tool: {
        variable: 'TOOL',
        version: 'v2',
        package: 'example.org/tool',
        accepts: (text: string) => text.includes('v2'),
      },
    },
  };
  const find = (env: NodeJS.ProcessEnv) =>
    findBuiltTools(group, silent, { WORLDLAND_CACHE: join(folder, 'cache'), PATH: join(folder, 'bin'), ...env }).then(
      ({ tool }) => tool,
    );

  test('a tool is looked up in its variable, then on PATH, then in the cache', async () => {
    const cached = program(join(folder, 'cache/tool/v2/tool'), 'v2');
    expect(await find({})).toEqual({ path: cached, from: 'cache' });
    const onPath = program(join(folder, 'bin/tool'), 'v2');
    expect(await find({})).toEqual({ path: onPath, from: 'PATH' });
    const given = program(join(folder, 'mine'), 'whatever');
    expect(await find({ TOOL: given })).toEqual({ path: given, from: 'TOOL' });
  });

  test('a tool of another version on PATH is skipped', async () => {
    program(join(folder, 'bin/tool'), 'v1');
    const cached = program(join(folder, 'cache/tool/v2/tool'), 'v2');
    expect(await find({})).toEqual({ path: cached, from: 'cache' });
  });

  test('a variable that names no program is an error, even if the tool is elsewhere', async () => {
    program(join(folder, 'cache/tool/v2/tool'), 'v2');
    await expect(find({ TOOL: join(folder, 'gone') })).rejects.toThrow(/^TOOL=.*there is no program/);
  });
});

test('Redis before 7.0 on PATH is passed over, and Valkey will do', async () => {
  program(join(folder, 'bin/redis-server'), 'Redis server v=6.2.14 sha=00000000');
  const valkey = program(join(folder, 'bin/valkey-server'), 'Valkey server v=8.0.1 sha=00000000');
  const env = { PATH: join(folder, 'bin'), WORLDLAND_CACHE: join(folder, 'cache') };
  expect(await findRedis(silent, env)).toEqual({ path: valkey, from: 'PATH' });
});

test('without Redis and without a package manager the error says what to install', async () => {
  await expect(findRedis(silent, { PATH: folder, WORLDLAND_CACHE: folder })).rejects.toThrow(
    /apt-get install redis-server/,
  );
});

test('versions are compared by number', () => {
  expect(['7.0.9', '7.0.15', '6.2', '7.2.0'].sort(compareVersions)).toEqual(['6.2', '7.0.9', '7.0.15', '7.2.0']);
});

test('the cache follows WORLDLAND_CACHE, then XDG_CACHE_HOME', () => {
  expect(cacheRoot({ WORLDLAND_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheRoot({ XDG_CACHE_HOME: '/b' })).toBe('/b/worldland-broker');
  expect(cacheRoot({ XDG_CACHE_HOME: 'relative' })).toMatch(/\/\.cache\/worldland-broker$/);
});

describe('a lock', () => {
  const path = () => join(folder, 'lock');
  const holder = (pid: number, start: string, host = hostname()) =>
    writeFileSync(path(), JSON.stringify({ pid, start, host }));

  test('a lock is held by one process', () => {
    const release = takeLock(path());
    expect(() => takeLock(path())).toThrow(LockHeld);
    release();
    takeLock(path())();
  });

  test('a lock of a dead process is taken over, even when another process has its pid', () => {
    holder(process.pid, 'another start');
    takeLock(path())();
    holder(2 ** 22 + 1, '1');
    takeLock(path())();
  });

  test('a lock of a living process stays', () => {
    const child = spawn('sleep', ['30']);
    children.push(child);
    holder(child.pid!, processStart(child.pid!)!);
    expect(() => takeLock(path())).toThrow(LockHeld);
  });

  test('a lock of another machine is respected while it is touched', () => {
    holder(1, '1', 'elsewhere');
    expect(() => takeLock(path())).toThrow(LockHeld);
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(path(), longAgo, longAgo);
    takeLock(path())();
  });

  test('a lock lets ten waiting processes in one after the other', async () => {
    const order: string[] = [];
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        withLock(path(), 'a test', silent, async () => {
          order.push(`in ${i}`);
          await new Promise((resolve) => setTimeout(resolve, 2));
          order.push(`out ${i}`);
        }),
      ),
    );
    for (let i = 0; i < order.length; i += 2) expect(order[i + 1]).toBe(order[i]!.replace('in', 'out'));
    expect(existsSync(path())).toBe(false);
  }, 20_000);
});

test('a data folder keeps its ports, below those of NodePorts and outgoing connections', async () => {
  const file = join(folder, 'ports.json');
  const first = new Ports(file);
  const ports = [await first.take('a'), await first.take('b')];
  expect(new Set(ports).size).toBe(2);
  for (const port of ports) {
    expect(port).toBeLessThan(20_000);
    expect(await isFree(port)).toBe(true);
  }
  const second = new Ports(file);
  expect([await second.take('a'), await second.take('b')]).toEqual(ports);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ a: ports[0], b: ports[1] });
});

test('a port that one data folder has taken is no other one’s, even before anything listens there', async () => {
  const [mine, theirs] = [join(folder, 'mine.json'), join(folder, 'theirs.json')];
  const ports = new Ports(mine);
  const port = await ports.take('a');
  writeFileSync(theirs, JSON.stringify({ a: port }));
  expect(await isFree(port)).toBe(true);
  const other = await new Ports(theirs).take('a');
  expect(other).not.toBe(port);
  expect(await new Ports(mine).take('a')).toBe(port);
  ports.release();
  writeFileSync(theirs, JSON.stringify({ a: port }));
  expect(await new Ports(theirs).take('a')).toBe(port);
});

test('a port that another process has taken is left to it', async () => {
  const [mine, theirs] = [join(folder, 'of-a-process.json'), join(folder, 'of-a-child.json')];
  const taking = `import('${join(packageRoot, 'engines/ports.ts')}').then(async ({ Ports }) => {
    console.log(await new Ports(process.argv[1]).take('a'));
    setInterval(() => undefined, 1_000);
  })`;
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', taking, theirs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(printed.toString());
    writeFileSync(mine, JSON.stringify({ a: port }));
    expect(await isFree(port)).toBe(true);
    expect(await new Ports(mine).take('a')).not.toBe(port);
  } finally {
    child.kill('SIGKILL');
  }
});

test('what lies below a folder of mode 0700 is out of reach of another account', () => {
  const stranger = { name: 'stranger', uid: 54_321, gid: 54_321 };
  mkdirSync(join(folder, 'open/home'), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'open/home/file'), '');
  expect(isReachable(join(folder, 'open/home/file'), stranger)).toBe(true);
  execFileSync('chmod', ['700', join(folder, 'open')]);
  expect(isReachable(join(folder, 'open/home/file'), stranger)).toBe(false);
});
