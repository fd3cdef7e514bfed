import type { Reply, Session } from '../../src/client/session.js';
import type { Config } from '../../src/config.js';
import { startApi, type Api } from './api.js';
import { createWorld, type World } from './world.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';

/** A customer of an API whose jobs are placed and run on simulated machines. */
export interface Placing {
  world: World;
  api: Api;
  session: Session;
  /** Orders a small job with these changes, and waits for it. */
  place(change: object, headers?: Record<string, string>): Promise<Reply>;
  close(): Promise<void>;
}

/** @param env the API's variables, if they have to repeat the world's `config`. */
export async function startPlacing(config: Partial<Config> = {}, env: Record<string, string> = {}): Promise<Placing> {
  const world = await createWorld(config);
  const api = await startApi({
    database: world.database,
    redis: world.redis,
    commands: { jobs: world.commands },
    env,
  });
  const session = await api.login({ spendLimit: 10n ** 24n });
  return {
    world,
    api,
    session,
    place: (change, headers = {}) =>
      session.request(
        'POST',
        '/api/v1/jobs',
        { cpu_cores: 1, memory_gb: 1, storage_gb: 1, ssh_public_keys: [sshKey], ...change },
        { prefer: 'wait=60', ...headers },
      ),
    async close() {
      await api.stop();
      await world.close();
    },
  };
}

/** Tests read replies untyped: a wrong shape fails the expectation. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const bodyOf = (reply: Reply) => reply.body as any;
