import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Redis } from 'ioredis';
import { isSameProcess, processStart } from '../../engines/process-identity.js';
import { packageRoot } from '../../engines/paths.js';
import { startStack, type Endpoints, type Stack, type StackOptions } from '../../engines/stack.js';
import { reachablePath } from '../../engines/tools/unprivileged.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'stack-'));
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const engines = ['redis', 'postgres'] as const;
const file = () => JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8')) as Endpoints;

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A stack of another process. */
async function startedElsewhere(options: StackOptions) {
  const script = `import { startStack } from ${JSON.stringify(join(packageRoot, 'engines/stack.ts'))};
    await startStack(${JSON.stringify(options)});
    setInterval(() => undefined, 1000);`;
  const supervisor = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: packageRoot,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: 'inherit',
  });
  const written = join(options.dataDir, 'endpoints.json');
  await until(() => existsSync(written), { timeoutMs: 90_000, name: 'the stack of another process runs' });
  const { pids } = JSON.parse(readFileSync(written, 'utf8')) as Endpoints;
  const running = Object.values(pids).map((pid) => [pid, processStart(pid)!] as const);
  expect(running).toHaveLength(options.engines!.length);
  return { supervisor, isOver: () => running.every(([pid, start]) => !isSameProcess(pid, start)) };
}

describe('a stack whose data are temporary', () => {
  /** Not reachable for the account of Postgres, whose folder is elsewhere then. */
  const temporary = () => mkdtempSync(join(tmpdir(), 'stack-'));
  const isGone = (folder: string) => !existsSync(folder) && !existsSync(reachablePath(folder));

  test('a stopped stack leaves no data', async () => {
    const folder = temporary();
    const stack = await startStack({ dataDir: folder, isTemporary: true, engines });
    expect(isGone(folder)).toBe(false);
    await stack.stop();
    expect(isGone(folder)).toBe(true);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'a stack whose process dies of %s leaves no data',
    async (signal) => {
      const folder = temporary();
      const { supervisor, isOver } = await startedElsewhere({ dataDir: folder, isTemporary: true, engines });
      supervisor.kill(signal);
      await until(() => isOver() && isGone(folder), { name: 'its engines and its data are gone' });
    },
  );
});

describe('a stack on one data folder', () => {
  let first: Endpoints;

  const chapter = story('a stack starts, goes on with its data, and leaves nothing behind', 240_000);

  chapter('each engine keeps its data through a SIGKILL and comes back on the same port', async () => {
    const lines: string[] = [];
    const stack = await startStack({ dataDir, engines, log: (line) => lines.push(line) });
    first = stack.endpoints();
    expect(file()).toEqual(first);
    const redis = new Redis(first.operator_redis!);
    redis.on('error', () => undefined);
    await redis.set('kept', 'yes');
    await query(first.postgres!, 'create table kept (value text)');
    await query(first.postgres!, "insert into kept values ('yes')");

    for (const name of engines) {
      stack.kill(name);
      await until(
        () => stack.endpoints().pids[name] !== undefined && stack.endpoints().pids[name] !== first.pids[name],
      );
      await stack.awaitReady(name);
    }
    expect(lines.filter((line) => line.startsWith('✗'))).toHaveLength(2);
    // The new pids are written down, the addresses are as before.
    expect(file()).toEqual({ ...first, pids: stack.endpoints().pids });
    expect(await redis.get('kept')).toBe('yes');
    expect(await query(first.postgres!, 'select value from kept')).toEqual([{ value: 'yes' }]);
    redis.disconnect();

    await stack.halt('redis');
    await sleep(300);
    expect(stack.endpoints().pids['redis']).toBeUndefined();
    await stack.resume('redis');
    expect(stack.endpoints().pids['redis']).toBeDefined();
    await stack.stop();
  });

  chapter('after a stop no process is left, and the next start goes on with the data', async () => {
    for (const pid of Object.values(first.pids)) expect(processStart(pid)).toBeUndefined();
    expect(existsSync(join(dataDir, 'endpoints.json'))).toBe(false);
    const stack = await startStack({ dataDir, engines });
    expect({ ...stack.endpoints(), pids: {} }).toEqual({ ...first, pids: {} });
    expect(await query(first.postgres!, 'select value from kept')).toEqual([{ value: 'yes' }]);
    await stack.stop();
  });

  chapter('a second stack on the same data folder is refused', async () => {
    const stack: Stack = await startStack({ dataDir, engines: ['redis'] });
    await expect(startStack({ dataDir, engines: ['redis'] })).rejects.toThrow(/already runs/);
    await stack.stop();
  });

  chapter('a killed stack leaves no process behind', async () => {
    const { supervisor, isOver } = await startedElsewhere({ dataDir, engines });
    supervisor.kill('SIGKILL');
    await until(isOver, { name: 'its engines have ended' });
    await until(() => readdirSync(join(dataDir, 'run')).length === 0);
    // And what it left does not stand in the way.
    const stack = await startStack({ dataDir, engines });
    expect(await query(first.postgres!, 'select value from kept')).toEqual([{ value: 'yes' }]);
    await stack.stop();
  });
});
