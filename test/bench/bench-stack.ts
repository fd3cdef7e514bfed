import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login, type Session } from '../../src/client/session.js';
import { roles } from '../../src/config.js';
import {
  startSimulatedProvider,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from '../../engines/simulated-provider/provider.js';
import type { BrokerProcess } from '../../engines/broker.js';
import { startStack, type Stack } from '../../engines/stack.js';

/** The limits that separate customers would otherwise decide the figures. */
const unlimited = {
  RATE_LIMIT_PER_IP: '10000000',
  RATE_LIMIT_READS: '10000000',
  RATE_LIMIT_WRITES: '10000000',
  RATE_LIMIT_JOBS: '10000000',
  RATE_LIMIT_LOGINS: '10000000',
  MAX_JOBS_PER_WALLET: '100000',
  MAX_GPUS_PER_WALLET: '100000',
  MAX_STARTING_JOBS_PER_WALLET: '100000',
  MAX_UNREADY_STARTS_PER_HOUR: '100000',
  PROVIDER_AUTH_MODE: 'off',
  LOG_LEVEL: 'warn',
};

/** The order of every benchmark: one GPU, for an hour. */
export const order = {
  gpu_count: 1,
  cpu_cores: 1,
  memory_gb: 1,
  storage_gb: 1,
  duration_hours: 1,
  ssh_public_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bench'],
};

export interface BenchStack {
  stack: Stack;
  endpoints: ReturnType<Stack['endpoints']> & { api: string; redis: string };
  /** A simulated machine with more of everything than the orders need; it stops with the stack. */
  provider(options: Partial<SimulatedProviderOptions> & { providerId: string }): SimulatedProvider;
  customer(): Promise<Session>;
}

/**
 * Runs `run` with a fresh stack of engines and broker, and removes the stack afterwards.
 *
 * @param options.processes of the broker. Default: one for each role.
 * @param options.env settings of this benchmark, beside those of all.
 * @param options.start starts the stack. Default: this version’s.
 */
export async function withBenchStack<T>(
  log: (line: string) => void,
  run: (bench: BenchStack) => Promise<T>,
  options: {
    processes?: readonly BrokerProcess[];
    env?: Readonly<Record<string, string>>;
    start?: typeof startStack;
  } = {},
): Promise<T> {
  const { processes = roles, env = {}, start = startStack } = options;
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-bench-'));
  const providers: SimulatedProvider[] = [];
  let stack: Stack | undefined;
  try {
    stack = await start({ dataDir, isTemporary: true, processes, env: { ...process.env, ...unlimited, ...env }, log });
    const { api, redis, ...rest } = stack.endpoints();
    const endpoints = { ...rest, api: api!, redis: redis! };
    return await run({
      stack,
      endpoints,
      provider(options) {
        const provider = startSimulatedProvider({
          redisUrl: endpoints.redis,
          gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
          cpuCores: 1_000,
          memoryMb: 1_000_000,
          diskGb: 10_000,
          ...options,
        });
        providers.push(provider);
        return provider;
      },
      customer: () =>
        login({ api: endpoints.api, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 26n }),
    });
  } finally {
    await Promise.all(providers.map((provider) => provider.stop()));
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
