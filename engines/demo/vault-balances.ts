import { getAbiItem, type AbiEvent, type Address } from 'viem';
import { tokenContract, vaultContract, type ChainClient, type LocalVault } from '../chain/wallet.js';
import type { MoneyRow } from './money-table.js';

/** Whom the demo shows; everybody else in the vault is one row. */
export interface Shown {
  customer: Address;
  provider: Address;
}

/** Units of the token, all of one block. */
export interface Balances {
  wallets: Map<Address, bigint>;
  /** Of customers: what is left of their deposits. Of payees: what they have earned and not fetched. */
  inVault: Map<Address, bigint>;
  fees: bigint;
  /** What the token says the vault has. */
  held: bigint;
}

const sumOf = (amounts: Iterable<bigint>) => [...amounts].reduce((sum, each) => sum + each, 0n);

/** Reads every account of the vault, and what the wallets have beside it. */
export async function readBalances(
  { client }: ChainClient,
  { vault, token }: LocalVault,
  { wallets, payees }: { wallets: readonly Address[]; payees: readonly Address[] },
): Promise<Balances> {
  const blockNumber = await client.getBlockNumber();
  const [{ abi }, address] = [vaultContract(), vault as Address];
  const of = async <T>(functionName: string, args: readonly unknown[] = []) =>
    (await client.readContract({ address, abi, functionName, args, blockNumber })) as T;
  const tokensOf = async (who: Address) =>
    (await client.readContract({
      ...{ address: token as Address, abi: tokenContract().abi, functionName: 'balanceOf' },
      ...{ args: [who], blockNumber },
    })) as bigint;
  const deposits = await client.getLogs({
    ...{ address, event: getAbiItem({ abi, name: 'Deposited' }) as AbiEvent },
    ...{ fromBlock: 0n, toBlock: blockNumber },
  });
  const customers = deposits.map(({ args }) => (args as unknown as { customer: Address }).customer);
  const inVault = new Map<Address, bigint>();
  const add = (who: Address, units: bigint) => inVault.set(who, (inVault.get(who) ?? 0n) + units);
  for (const customer of new Set(customers)) add(customer, (await of<bigint[]>('customers', [customer]))[0]!);
  for (const payee of new Set(payees)) {
    const [credited, withdrawn] = await of<[bigint, bigint]>('payees', [payee]);
    add(payee, credited - withdrawn);
  }
  return {
    wallets: new Map(await Promise.all(wallets.map(async (each) => [each, await tokensOf(each)] as const))),
    ...{ inVault, fees: await of<bigint>('fees'), held: await tokensOf(address) },
  };
}

/**
 * The accounts as a table has them.
 *
 * @throws Error if the vault does not hold what it owes
 */
export function rowsOf(before: Balances, after: Balances, { customer, provider }: Shown): MoneyRow[] {
  const row = (name: string, of: (balances: Balances) => bigint): MoneyRow => ({
    ...{ name, before: of(before), after: of(after) },
  });
  const others = ({ inVault }: Balances) =>
    sumOf([...inVault].filter(([who]) => who !== customer && who !== provider).map(([, units]) => units));
  const nobodys = ({ held, inVault, fees }: Balances) => held - fees - sumOf(inVault.values());
  for (const balances of [before, after])
    if (nobodys(balances) < 0n) throw new Error(`the vault holds ${-nobodys(balances)} units less than it owes`);
  return [
    row('customer, in the wallet', ({ wallets }) => wallets.get(customer)!),
    row('customer, in the vault', ({ inVault }) => inVault.get(customer) ?? 0n),
    row('provider, in the wallet', ({ wallets }) => wallets.get(provider)!),
    row('provider, in the vault', ({ inVault }) => inVault.get(provider) ?? 0n),
    row('treasury, in the vault', ({ fees }) => fees),
    // Empty on a first visit.
    ...[row('everybody else, in the vault', others), row('sent to the vault by mistake', nobodys)].filter(
      (each) => each.before > 0n || each.after > 0n,
    ),
  ];
}
