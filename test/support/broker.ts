import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login, type LoginOptions, type Session } from '../../src/client/session.js';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { roles } from '../../src/config.js';
import { memoryBounds } from '../../engines/broker.js';
import type { KubernetesOptions } from '../../engines/kubernetes/control-plane.js';
import {
  startSimulatedProvider,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from '../../engines/simulated-provider/provider.js';
import { unlimitedStarts } from './config.js';
import { startStack, type Endpoints, type Stack } from '../../engines/stack.js';

/** A whole broker with its own engines, started as an operator would; tests reach it only by HTTP and Redis. */
export interface RunningBroker {
  stack: Stack;
  endpoints: Endpoints & { api: string; redis: string };
  /** A new wallet, logged in. */
  customer(options?: Partial<LoginOptions>): Promise<Session>;
  /** A simulated machine, which signs its messages unless `sign` says otherwise; it is stopped with the broker. */
  provider(options: Partial<SimulatedProviderOptions> & { providerId: string }): SimulatedProvider;
  /** The output of all processes. */
  logs(): string;
  stop(): Promise<void>;
}

/** For tests that send many requests: no rate limit may apply. */
export const unlimited = {
  RATE_LIMIT_PER_IP: '1000000',
  RATE_LIMIT_READS: '1000000',
  RATE_LIMIT_WRITES: '1000000',
  RATE_LIMIT_JOBS: '1000000',
  RATE_LIMIT_PER_PROVIDER: '1000000',
  ...unlimitedStarts,
};

export async function startBroker(
  env: Record<string, string> = {},
  kubernetes: KubernetesOptions = {},
): Promise<RunningBroker> {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-e2e-'));
  const providers: SimulatedProvider[] = [];
  let stack: Stack;
  try {
    const environment = { ...process.env, ...memoryBounds, ...unlimited, ...env };
    stack = await startStack({ dataDir, isTemporary: true, processes: roles, env: environment, kubernetes });
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
  const { api, redis, ...rest } = stack.endpoints();
  const endpoints = { ...rest, api: api!, redis: redis! };

  return {
    stack,
    endpoints,
    customer: (options = {}) =>
      login({
        api: endpoints.api,
        account: privateKeyToAccount(generatePrivateKey()),
        spendLimit: 10n ** 24n,
        ...options,
      }),
    provider(options) {
      const wallet = privateKeyToAccount(generatePrivateKey());
      const nodeKey = privateKeyToAccount(generatePrivateKey());
      const provider = startSimulatedProvider({
        redisUrl: endpoints.redis,
        wallet: wallet.address,
        sign: providerSigner({ wallet, nodeKey, chainId: 1, audience: endpoints.api }),
        ...options,
      });
      providers.push(provider);
      return provider;
    },
    logs() {
      const folder = join(dataDir, 'logs');
      return readdirSync(folder)
        .map((file) => readFileSync(join(folder, file), 'utf8'))
        .join('\n');
    },
    async stop() {
      await Promise.all(providers.map((provider) => provider.stop()));
      await stack.stop();
    },
  };
}
