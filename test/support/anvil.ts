import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createTestClient, http, publicActions, walletActions, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { packageRoot } from '../../engines/paths.js';
import { freePort } from './free-port.js';

/** The keys that anvil funds. */
export const anvilKeys: readonly Hex[] = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
  '0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a',
  '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba',
];

export type Anvil = Awaited<ReturnType<typeof startAnvil>>;

/** A chain of its own for a test file. It ends with this process. */
export async function startAnvil({ chainId = 31_337, args = [] }: { chainId?: number; args?: readonly string[] } = {}) {
  const port = await freePort();
  const program = join(packageRoot, `node_modules/@foundry-rs/anvil-${process.platform}-${arch()}/bin/anvil`);
  const child = spawn(
    program,
    ['--port', String(port), '--chain-id', String(chainId), '--silent', '--hardfork', 'shanghai', ...args],
    { stdio: 'ignore' },
  );
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  failed.catch(() => undefined);
  const endWithUs = () => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const url = `http://127.0.0.1:${port}`;
  const chain = {
    id: chainId,
    name: 'anvil',
    nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  };
  const client = createTestClient({
    mode: 'anvil',
    chain,
    transport: http(url, { retryCount: 0 }),
    cacheTime: 0,
    pollingInterval: 50,
  })
    .extend(publicActions)
    .extend(walletActions);
  await Promise.race([failed, answers(() => client.getChainId())]);
  return {
    url,
    chainId,
    client,
    accounts: anvilKeys.map((key) => privateKeyToAccount(key)),
    async stop() {
      process.off('exit', endWithUs);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function arch(): string {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}

async function answers(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
