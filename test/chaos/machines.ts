import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { providerSigner } from '../../src/provider-agent/signer.js';
import type { SealEntry } from '../../engines/simulated-provider/messages.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../engines/simulated-provider/provider.js';

export const gpus = { model: 'NVIDIA GeForce RTX 4090', count: 8 };
/** The machine that dies for good. */
export const doomed = 'chaos-doomed';
/** Cheaper than all others, and starts nothing. */
export const broken = 'chaos-broken';
/** The next in price; starts nothing until it is repaired. */
export const flaky = 'chaos-flaky';
/** Falls silent for a while. */
export const silent = 'chaos-silent';
/** Registers over and over. */
export const insistent = 'chaos-insistent';

/** The price of a GPU unless a machine sets another one; everything else is free. */
const usualPricePerHour = 0.5;
const pricesPerHour: Readonly<Record<string, number>> = { [broken]: 0.25, [flaky]: 0.3, [insistent]: 4 };
export const gpuPricePerHour = (providerId: string) => pricesPerHour[providerId] ?? usualPricePerHour;

/** A provider's identity, with which its messages are signed. */
export interface Identity {
  providerId: string;
  wallet: string;
  account: PrivateKeyAccount;
  sign: SealEntry;
}

export function identity(audience: string, providerId: string): Identity {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const nodeKey = privateKeyToAccount(generatePrivateKey());
  return {
    providerId,
    wallet: wallet.address,
    account: wallet,
    sign: providerSigner({ wallet, nodeKey, chainId: 1, audience }),
  };
}

export function startMachine(redisUrl: string, who: Identity): SimulatedProvider {
  const { account: _, ...signed } = who;
  return startSimulatedProvider({
    redisUrl,
    ...signed,
    gpus,
    gpuPricePerHour: gpuPricePerHour(who.providerId),
    heartbeatIntervalMs: 5_000,
    approvalTimeoutMs: 240_000,
  });
}

/** The secret in a join command: whoever has it can join in the machine's place. */
export function secretOfJoinCommand(joinCommand: string): string {
  const found = /\b[a-z0-9]{6}\.([a-z0-9]{16})\b/.exec(joinCommand)?.[1];
  if (found === undefined) throw new Error('there is no token in the join command');
  return found;
}
