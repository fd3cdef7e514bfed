import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, EngineContext } from './engine.js';
import { findAnvil } from './tools/anvil.js';

export interface AnvilOptions {
  /** 31337 by default. */
  chainId?: number;
  /** Seconds between blocks; without them, each transaction gets a block at once. */
  blockTimeS?: number;
  /** Seconds between two writings of its state: 5 by default. */
  stateIntervalS?: number;
  /** A block is final two epochs later. */
  slotsInAnEpoch?: number;
  /** The level of the chain: by default that of the oldest which contracts are compiled for. */
  hardfork?: string;
}

/**
 * A chain of its own in one process, whose first ten accounts have coins and keys that everybody knows. It is kept in
 * the data folder: written every few seconds and at an orderly end, so a killed one comes back some blocks younger, as
 * after a reorganisation.
 */
export async function startAnvil(
  { dataDir, ports, supervisor, env }: EngineContext,
  { chainId = 31_337, blockTimeS, stateIntervalS = 5, slotsInAnEpoch = 1, hardfork = 'paris' }: AnvilOptions = {},
): Promise<Engine> {
  const tool = findAnvil(env);
  const port = await ports.take('anvil');
  const folder = join(dataDir, 'anvil');
  mkdirSync(folder, { recursive: true });
  const url = `http://127.0.0.1:${port}`;
  await supervisor.start({
    name: 'anvil',
    command: tool.path,
    args: [
      ...['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId), '--hardfork', hardfork],
      ...['--state', join(folder, 'state.json'), '--state-interval', String(stateIntervalS)],
      ...['--slots-in-an-epoch', String(slotsInAnEpoch)],
      ...(blockTimeS === undefined ? [] : ['--block-time', String(blockTimeS)]),
    ],
    cwd: folder,
    ready: () => isChain(url, chainId),
  });
  return { endpoints: { chain: url }, roleEnv: {} };
}

async function isChain(url: string, chainId: number): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(2_000) });
  const { result } = (await response.json()) as { result?: string };
  if (Number(result) !== chainId) throw new Error(`${url} is chain ${result}`);
}
