import { keccak256, toHex, type Address } from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { publishedContract, type VaultChain } from '../support/vault-chain.js';
import { accountOf } from './vault-actors.js';
import type { Line } from './vault-calls.js';
import { hashOf } from './vault-encoding.js';
import { vaultDomain, vaultTypes } from './vault-messages.js';
import { actors, batchDelayS, permitOf, vaultOnChain, withdrawalOf, type VaultOnChain } from './vault-on-chain.js';

export const day = { jobs: 2_000, customers: 500, providers: 200 };

export interface Gas {
  deposit: number;
  raiseCap: number;
  withdraw: number;
  withdrawEarnings: number;
  /** A day's proposal and batch, of wallets that had one before; of wallets that are new to the vault; with a permit each. */
  day: number;
  firstDay: number;
  dayWithPermits: number;
}

const { alice, carla, operator } = actors;
const each = 1_000n;

/** Gas of everything that costs somebody something every day, as a chain counts it. */
export async function measureGas(chain: VaultChain): Promise<Gas> {
  const site = await vaultOnChain(chain, await chain.deploy(publishedContract('test/TestToken'), [6]));
  await site.endow(alice, 10n ** 12n);
  const customers = Array.from({ length: day.customers }, (_, index) => walletOf(`customer ${index}`));
  const payees = Array.from({ length: day.providers }, (_, index) => walletOf(`provider ${index}`).address);
  for (const { address } of customers) {
    await site.call(alice, { name: 'deposit', customer: address, amount: 100n * each, newCap: 0n });
  }
  const total = (of: readonly Address[], cumulative: bigint): Line[] => of.map((who) => ({ who, cumulative }));
  const addresses = customers.map(({ address }) => address);
  const share = (each * BigInt(day.customers)) / BigInt(day.providers);
  // The permits of all would not fit into one block together with the first writes of all.
  const half = day.customers / 2;
  await raiseCaps(site, customers.slice(0, half), 10n * each);
  await raiseCaps(site, customers.slice(half), 10n * each);
  let days = 0n;
  const dayWith = async (permitted: PrivateKeyAccount[], cap: bigint): Promise<number> => {
    days += 1n;
    const number = Number(await chain.read<bigint>(site.vault, 'proposed')) + 1;
    const content = { draws: total(addresses, each * days), credits: total([...payees], (share - 3n) * days) };
    return await settle(site, { number, content, permits: await permitsOf(site, permitted, cap) });
  };
  const firstDay = await dayWith([], 0n);
  const gasOfDay = await dayWith([], 0n);
  const dayWithPermits = await dayWith(customers, 20n * each);
  return { ...(await measureSingle(site)), firstDay, day: gasOfDay, dayWithPermits };
}

async function measureSingle(site: VaultOnChain): Promise<Omit<Gas, 'day' | 'firstDay' | 'dayWithPermits'>> {
  const deposit = await site.call(alice, { name: 'deposit', customer: alice, amount: 5_000n, newCap: 1_000n });
  const raiseCap = await site.call(carla, { name: 'raiseCap', ...permitOf(alice, 2_000n) });
  const withdraw = await site.call(alice, withdrawalOf(alice, 500n, (await site.chain.now()) + 900));
  const number = Number(await site.chain.read<bigint>(site.vault, 'proposed')) + 1;
  const content = { draws: [{ who: alice, cumulative: 100n }], credits: [{ who: carla, cumulative: 90n }] };
  await settle(site, { number, content, permits: [] });
  const withdrawEarnings = await site.call(carla, { name: 'withdrawEarnings', to: carla });
  return { deposit, raiseCap, withdraw, withdrawEarnings };
}

interface Settlement {
  number: number;
  content: { draws: Line[]; credits: Line[] };
  permits: EncodedPermit[];
}

interface EncodedPermit {
  customer: Address;
  cap: bigint;
  signature: `0x${string}`;
}

/** Proposes and executes. */
async function settle({ chain, vault, call }: VaultOnChain, { number, content, permits }: Settlement): Promise<number> {
  const proposing = await call(operator, { name: 'propose', number, content });
  await chain.pass(batchDelayS);
  const draws = content.draws.map(({ who, cumulative }) => ({ customer: who, cumulative }));
  const credits = content.credits.map(({ who, cumulative }) => ({ payee: who, cumulative }));
  const args = [BigInt(number), draws, credits, permits];
  const { gasUsed } = await chain.send(accountOf(operator), vault, 'execute', args);
  return proposing + Number(gasUsed);
}

async function raiseCaps({ chain, vault }: VaultOnChain, wallets: PrivateKeyAccount[], cap: bigint): Promise<void> {
  const place = { chainId: chain.chainId, vault: vault.address };
  const number = (await chain.read<bigint>(vault, 'proposed')) + 1n;
  const hash = hashOf(place, { draws: [], credits: [] });
  await chain.send(accountOf(operator), vault, 'propose', [number, hash]);
  await chain.pass(batchDelayS);
  const permits = await permitsOf({ chain, vault }, wallets, cap);
  await chain.send(accountOf(operator), vault, 'execute', [number, [], [], permits]);
}

async function permitsOf(
  { chain, vault }: Pick<VaultOnChain, 'chain' | 'vault'>,
  wallets: PrivateKeyAccount[],
  cumulativeCap: bigint,
): Promise<EncodedPermit[]> {
  const domain = vaultDomain(chain.chainId, vault.address);
  const signing = wallets.map(async (wallet) => {
    const message = { customer: wallet.address, cumulativeCap };
    const typed = { domain, types: vaultTypes, primaryType: 'SpendPermit', message } as const;
    return { customer: wallet.address, cap: cumulativeCap, signature: await wallet.signTypedData(typed) };
  });
  return await Promise.all(signing);
}

function walletOf(name: string): PrivateKeyAccount {
  return privateKeyToAccount(keccak256(toHex(`a key of the tests: ${name}`)));
}
