import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { silent } from '../../engines/log.js';
import { packageRoot } from '../../engines/paths.js';
import { Ports } from '../../engines/ports.js';
import { findRedis } from '../../engines/tools/redis.js';
import { passwordLogin, redisUsers } from '../../engines/redis.js';
import { brokerKeys } from '../../src/redis/keys.js';
import { endpoint } from '../support/engines.js';
import { until } from '../support/until.js';

const deploy = join(packageRoot, 'src/redis/deploy');
const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');
const passwords = { default: 'agents', broker: "br'ok er/&", operator: 'operator' };
const agent = 'atlas';

let folder: string;
let port: number;
let server: ChildProcess | undefined;

/** Starts Redis as the container does; the substitute of its entry point only runs the server. */
async function start(env: Record<string, string> = {}): Promise<void> {
  const tool = await findRedis(silent);
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  const entryPoint = join(programs, 'docker-entrypoint.sh');
  writeFileSync(entryPoint, `#!/bin/sh\nshift\nexec ${tool.path} --port ${port} --bind 127.0.0.1 "$@"\n`);
  chmodSync(entryPoint, 0o755);
  server = spawn('/bin/sh', [join(deploy, 'start.sh')], {
    env: {
      ...tool.env,
      PATH: `${programs}:${process.env['PATH']}`,
      REDIS_DATA: folder,
      REDIS_PASSWORD: passwords.broker,
      REDIS_PROVIDER_PASSWORD: passwords.default,
      REDIS_OPERATOR_PASSWORD: passwords.operator,
      ...env,
    },
    stdio: 'ignore',
  });
  const operator = as('operator');
  await until(() => operator.ping().then(Boolean, () => false));
  operator.disconnect();
}

async function stop(): Promise<void> {
  const ended = new Promise((resolve) => server!.once('exit', resolve));
  server!.kill('SIGTERM');
  await ended;
}

/** Like public agents, `default` gives no name. */
function as(user: string, password = passwords[user as keyof typeof passwords]): Redis {
  const name = user === 'default' ? {} : { username: user };
  const redis = new Redis({
    ...{
      ...name,
      password,
      port,
      host: '127.0.0.1',
      enableReadyCheck: false,
      disableClientInfo: true,
      disconnectTimeout: 50,
    },
    ...{ commandTimeout: 5_000, retryStrategy: (attempt: number) => (attempt > 100 ? null : 50) },
  });
  redis.on('error', () => undefined);
  return redis;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redis-users-'));
  port = await new Ports(join(folder, 'ports.json')).take('redis');
  await start();
  // As docs/deploy.md says.
  const [, rights = ''] = /^ *ACL SETUSER agent-ID (.+)$/m.exec(read('docs/deploy.md')) ?? [];
  const operator = as('operator');
  const words =
    rights
      .replaceAll('ID', agent)
      .replace('PASSWORD', 'own')
      .match(/\([^)]*\)|\S+/g) ?? [];
  await operator.call('ACL', 'SETUSER', `agent-${agent}`, ...words);
  await operator.call('ACL', 'SAVE');
  operator.disconnect();
}, 60_000);
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

/** The rows of docs/security.md for a user: which commands, and at which keys. */
function documented(user: string): { commands: string[]; keys: string[] }[] {
  const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
  const [, table = ''] = /\n## What the users of Redis may do\n([^]*?)\n## /.exec(read('docs/security.md')) ?? [];
  return table
    .split('\n')
    .filter((line) => line.startsWith(`| \`${user}\``))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map(([, commands = '', keys = '']) => ({ commands: quoted(commands), keys: quoted(keys) }));
}

const users: Record<string, string> = { default: passwords.default, broker: passwords.broker, 'agent-ID': 'own' };
const nameOf = (user: string) => user.replace('ID', agent);
const refusal = /NOPERM.*no permissions to run/i;
/** Errors that Redis reports before it checks the user's rights. */
const uncheckedError = /not allowed|without MULTI/i;

async function dryRun(user: string, words: string[]): Promise<string> {
  const operator = as('operator');
  const answer = String(await operator.call('ACL', 'DRYRUN', user, ...words));
  operator.disconnect();
  return answer === 'OK' ? answer : `NOPERM ${answer}`;
}

/** Every command and subcommand, with its minimum number of words. */
async function everyCommand(): Promise<{ name: string; words: string[] }[]> {
  const operator = as('operator');
  type Info = [name: string, arity: number, ...rest: unknown[]];
  const all = (await operator.call('COMMAND')) as Info[];
  operator.disconnect();
  return all
    .flatMap((info) => {
      const subcommands = (info[9] ?? []) as Info[];
      return subcommands.length > 0 ? subcommands : [info];
    })
    .map(([name, arity]) => {
      const words = name.split('|');
      while (words.length < Math.abs(arity)) words.push('1');
      return { name: name.replace('|', ' '), words };
    });
}

describe.each(Object.keys(users))('%s', (user) => {
  test('the user may run the commands that the documentation lists, and no other', async () => {
    const commands = await everyCommand();
    expect(commands.length).toBeGreaterThan(300);
    const may: string[] = [];
    for (let at = 0; at < commands.length; at += 20) {
      await Promise.all(
        commands.slice(at, at + 20).map(async ({ name, words: [command, ...words] }) => {
          const redis = as(nameOf(user), users[user]);
          const answer = await redis.call(command!, ...words).then(String, (error: Error) => error.message);
          const said = uncheckedError.test(answer) ? await dryRun(nameOf(user), [command!, ...words]) : answer;
          if (!refusal.test(said)) may.push(name);
          redis.disconnect();
        }),
      );
    }
    const rows = documented(user);
    expect(rows.length).toBeGreaterThan(0);
    expect(may.sort()).toEqual(rows.flatMap(({ commands: listed }) => listed).sort());
  }, 60_000);

  test('the user may reach the keys that the documentation lists, and no other', async () => {
    const attempts: Record<string, (key: string) => string[]> = {
      xadd: (key) => ['XADD', key, '*', 'data', '{}'],
      xreadgroup: (key) => ['XREADGROUP', 'GROUP', 'agent-group', 'agent-1', 'STREAMS', key, '>'],
      xack: (key) => ['XACK', key, 'agent-group', '1-1'],
      'xgroup create': (key) => ['XGROUP', 'CREATE', key, 'agent-group', '$', 'MKSTREAM'],
      ...(user === 'broker' ? { exists: (key) => ['EXISTS', key] } : {}),
    };
    const keys = [
      ...Object.values(brokerKeys).flatMap(({ examples }) => examples as readonly string[]),
      'else',
      'provider',
    ];
    keys.push('provider:response:', `provider:response:${agent}2`, `provider:response:${agent}`);
    const redis = as(nameOf(user), users[user]);
    for (const { commands, keys: patterns } of documented(user)) {
      for (const command of commands.filter((each) => each in attempts)) {
        const reached = [];
        for (const key of keys) {
          const [name, ...words] = attempts[command]!(key);
          const answer = await redis.call(name!, ...words).then(String, (error: Error) => error.message);
          if (!answer.startsWith('NOPERM')) reached.push(key);
        }
        const listed = patterns.map((pattern) => pattern.replace('ID', agent).replace(/\*$/, ''));
        const isOpen = (key: string) =>
          patterns.some((pattern, index) =>
            pattern.endsWith('*') ? key.startsWith(listed[index]!) : key === listed[index],
          );
        expect({ command, reached }).toEqual({ command, reached: keys.filter(isOpen) });
      }
    }
    redis.disconnect();
  });
});

test('nobody logs in to Redis with a wrong password, without a password, or as a user that has none', async () => {
  for (const [user, password] of [
    ['default', 'wrong'],
    ['broker', passwords.default],
    ['agent-other', 'own'],
  ] as const) {
    const redis = as(user, password);
    expect(await redis.ping().then(String, (error: Error) => error.message)).toMatch(/WRONGPASS|NOAUTH/);
    redis.disconnect();
  }
  const redis = new Redis({ port, lazyConnect: true, enableReadyCheck: false, disableClientInfo: true });
  redis.on('error', () => undefined);
  expect(await redis.ping().then(String, (error: Error) => error.message)).toMatch(/NOAUTH/);
  redis.disconnect();
});

test('a restart of Redis keeps added users, takes up changed passwords, and shuts out users without a password', async () => {
  await stop();
  await start({ REDIS_PROVIDER_PASSWORD: '', REDIS_PASSWORD: 'another' });
  const answers = await Promise.all(
    (
      [
        [`agent-${agent}`, 'own'],
        ['broker', 'another'],
        ['default', passwords.default],
      ] as const
    ).map(async ([user, password]) => {
      const redis = as(user, password);
      const answer = await redis.ping().then(String, (error: Error) => error.message);
      redis.disconnect();
      return answer;
    }),
  );
  expect(answers).toEqual(['PONG', 'PONG', expect.stringMatching(/WRONGPASS|NOAUTH/)]);
  expect(readFileSync(join(folder, 'users.acl'), 'utf8')).not.toContain('another');
  await stop();
  await start();
});

test('the local stack has the same Redis users, except that tests may choose a logical database', async () => {
  // The order in which Redis lists rights does not matter.
  const rights = (lines: string[]) =>
    lines
      .map((line) => line.replace(/ (#\w+|nopass|sanitize-payload|\+select)(?= |$)/g, ''))
      .map((line) => line.match(/\([^)]*\)|\S+/g) ?? [])
      .map((words) =>
        words
          .map((word) => word.replace(/[()]/g, '').split(' ').sort().join(' '))
          .sort()
          .join('; '),
      )
      .sort();
  const [deployed, local] = [as('operator'), new Redis(endpoint('operator_redis'))];
  const listed = async (redis: Redis) => (await redis.call('ACL', 'LIST')) as string[];
  const shipped = rights((await listed(deployed)).filter((line) => !line.includes('agent-')));
  expect(rights(await listed(local))).toEqual(shipped);
  for (const redis of [deployed, local]) redis.disconnect();
});

test('an ACL file needs nothing but the logins', () => {
  const written = redisUsers({ default: 'off', broker: passwordLogin('a'), operator: 'off' });
  expect(written).not.toMatch(/LOGIN|select|#\s/);
  expect(written.match(/^user \w+ (on #[0-9a-f]{64}|off) /gm)).toHaveLength(3);
});
