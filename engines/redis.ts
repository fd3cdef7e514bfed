import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineContext, Engine } from './engine.js';
import { writeAtomically } from './files.js';
import { packageRoot } from './paths.js';
import { repliesTo } from './probe.js';
import { findRedis } from './tools/redis.js';

const usersFile = join(packageRoot, 'src/redis/deploy/users.acl');

/** The login rule of each user in the file. */
export type RedisLogins = Record<'default' | 'broker' | 'operator', string>;

/**
 * The users of a deployed Redis, from its ACL file.
 *
 * @param logins such as `on nopass`, or `on #` and the SHA-256 of a password.
 * @param besides additional rights of `default` and `broker` beyond the deployed ones.
 */
export function redisUsers(logins: RedisLogins, besides = ''): string {
  const lines = readFileSync(usersFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('user '))
    .map((line) =>
      line.startsWith('user operator') || besides === '' ? line : line.replace('+ping', `+ping ${besides}`),
    )
    .map((line) => line.replace(/(?<=^user (\w+) )\w+_LOGIN/, (_, user: keyof RedisLogins) => logins[user]));
  return `${lines.join('\n')}\n`;
}

/** The login rule for a password. */
export function passwordLogin(password: string): string {
  return `on #${createHash('sha256').update(password).digest('hex')}`;
}

/**
 * Redis with its append-only file: acknowledged writes survive a SIGKILL of the server, though not a power cut. Its
 * users are those of a deployment, except that agents need no password on loopback, and that tests, which share a
 * server, may select a logical database.
 */
export async function startRedis({ dataDir, ports, supervisor, log, env }: EngineContext): Promise<Engine> {
  const [tool, port] = await Promise.all([findRedis(log, env), ports.take('redis')]);
  const folder = join(dataDir, 'redis');
  mkdirSync(folder, { recursive: true });
  const [broker, operator] = [keptPassword(join(folder, 'broker')), keptPassword(join(folder, 'operator'))];
  const logins = { default: 'on nopass', broker: passwordLogin(broker), operator: passwordLogin(operator) };
  const users = join(folder, 'users.acl');
  writeAtomically(users, redisUsers(logins, '+select'));
  await supervisor.start({
    name: 'redis',
    command: tool.path,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--aclfile', users],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
      ...['--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
    ],
    env: { ...process.env, ...tool.env },
    cwd: folder,
    ready: () => repliesTo(port, 'PING', '+PONG'),
  });
  const as = (user: string, password: string) => `redis://${user}:${password}@127.0.0.1:${port}`;
  return {
    endpoints: {
      redis: `redis://127.0.0.1:${port}`,
      broker_redis: as('broker', broker),
      operator_redis: as('operator', operator),
    },
    roleEnv: {
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(port),
      REDIS_USERNAME: 'broker',
      REDIS_PASSWORD: broker,
      REDIS_TLS: 'false',
    },
  };
}

/** A password that stays the same as long as the folder exists. */
function keptPassword(name: string): string {
  const file = `${name}-password`;
  if (!existsSync(file)) writeAtomically(file, `${randomBytes(18).toString('base64url')}\n`);
  return readFileSync(file, 'utf8').trim();
}
