import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { providerSigner } from '../../src/provider-agent/signer.js';
import type { SealEntry } from '../../engines/simulated-provider/messages.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../engines/simulated-provider/provider.js';

export const gpus = { model: 'NVIDIA GeForce RTX 4090', count: 8 };
/** The machine that dies for good. */
export const doomed = 'chaos-doomed';
/** Cheaper than all others, and it starts nothing. */
export const broken = 'chaos-broken';
/** The next in price; it starts nothing until it is mended. */
export const flaky = 'chaos-flaky';
/** Is not heard for a while. */
export const silent = 'chaos-silent';
/** Registers over and over. */
export const insistent = 'chaos-insistent';

/** Of a GPU where nothing else is said; all else is free of charge. */
const usualPricePerHour = 0.5;
const pricesPerHour: Readonly<Record<string, number>> = { [broken]: 0.25, [flaky]: 0.3, [insistent]: 4 };
export const gpuPricePerHour = (providerId: string) => pricesPerHour[providerId] ?? usualPricePerHour;

/** Who a provider is, and how all that it says is signed. */
export interface Identity {
  providerId: string;
  wallet: string;
  sign: SealEntry;
}

export function identity(audience: string, providerId: string): Identity {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const nodeKey = privateKeyToAccount(generatePrivateKey());
  return { providerId, wallet: wallet.address, sign: providerSigner({ wallet, nodeKey, chainId: 1, audience }) };
}

export function startMachine(redisUrl: string, who: Identity): SimulatedProvider {
  return startSimulatedProvider({
    redisUrl,
    ...who,
    gpus,
    gpuPricePerHour: gpuPricePerHour(who.providerId),
    heartbeatIntervalMs: 5_000,
    approvalTimeoutMs: 240_000,
  });
}

/** What of a join command nobody else may read: who has it joins in the place of the machine. */
export function secretOfJoinCommand(joinCommand: string): string {
  const found = /\b[a-z0-9]{6}\.([a-z0-9]{16})\b/.exec(joinCommand)?.[1];
  if (found === undefined) throw new Error('there is no token in the join command');
  return found;
}
