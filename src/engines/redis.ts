import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineContext, Engine } from './engine.js';
import { repliesTo } from './probe.js';
import { findRedis } from './tools/redis.js';

/** Redis with its append-only file: what was answered survives a SIGKILL of the server, though not a power cut. */
export async function startRedis({ dataDir, ports, supervisor, log, env }: EngineContext): Promise<Engine> {
  const [tool, port] = await Promise.all([findRedis(log, env), ports.take('redis')]);
  const folder = join(dataDir, 'redis');
  mkdirSync(folder, { recursive: true });
  await supervisor.start({
    name: 'redis',
    command: tool.path,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
      ...['--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
    ],
    env: { ...process.env, ...tool.env },
    cwd: folder,
    ready: () => repliesTo(port, 'PING', '+PONG'),
  });
  return {
    endpoints: { redis: `redis://127.0.0.1:${port}` },
    roleEnv: {
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(port),
      REDIS_USERNAME: '',
      REDIS_PASSWORD: '',
      REDIS_TLS: 'false',
    },
  };
}
