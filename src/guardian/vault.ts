import { zeroHash, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../chain/rental-vault-abi.js';
import { agreed, askChain, type Rpc } from '../chain/rpc.js';
import { eventsInParts } from '../chain/vault-log.js';
import type { VaultTotals } from '../domain/settlement-verdict.js';
import { sideBySide } from '../side-by-side.js';

/** A settlement that was proposed and is neither executed nor vetoed. */
export interface Pending {
  number: number;
  hash: Hex;
  executableAtS: number;
}

/** What the vault says at one block. */
export interface VaultView {
  block: number;
  blockHash: Hex;
  timeS: number;
  proposed: number;
  lastExecuted: number;
  executedHash: Hex;
  guardian: Address;
  operator: Address;
  pausedUntilS: number;
  pending: Pending[];
}

/** Whoever has the operator's key may propose as many as he pays for. The first ones can be executed first. */
const pendingAtOnce = 100;
const readsAtOnce = 8;
/** Blocks before the present one in which a customer's money counts as changing. */
const recentBlocks = 1_000;

export async function latestHeight({ client }: Rpc): Promise<bigint> {
  return await askChain(() => client.getBlockNumber());
}

/** What one node says. */
export async function viewAt({ client }: Rpc, vault: Address, block: bigint): Promise<VaultView> {
  const at = { address: vault, abi: rentalVaultAbi, blockNumber: block } as const;
  const [{ timestamp, hash: blockHash }, proposed, lastExecuted, guardian, operator, pausedUntil] = await Promise.all([
    client.getBlock({ blockNumber: block }),
    client.readContract({ ...at, functionName: 'proposed' }),
    client.readContract({ ...at, functionName: 'lastExecuted' }),
    client.readContract({ ...at, functionName: 'guardian' }),
    client.readContract({ ...at, functionName: 'operator' }),
    client.readContract({ ...at, functionName: 'pausedUntil' }),
  ]);
  const batchAt = (number: number) => client.readContract({ ...at, functionName: 'batches', args: [BigInt(number)] });
  const pending: Pending[] = [];
  const first = Number(lastExecuted) + 1;
  for (let number = first; number <= Number(proposed) && number < first + pendingAtOnce; number++) {
    const [hash, executableAt] = await batchAt(number);
    if (hash !== zeroHash) pending.push({ number, hash: hash, executableAtS: Number(executableAt) });
  }
  const [executedHash] = lastExecuted === 0n ? [zeroHash] : await batchAt(Number(lastExecuted));
  return {
    ...{ block: Number(block), blockHash, timeS: Number(timestamp), pending },
    ...{ proposed: Number(proposed), lastExecuted: Number(lastExecuted), executedHash: executedHash },
    ...{ guardian: lower(guardian), operator: lower(operator), pausedUntilS: Number(pausedUntil) },
  };
}

/** What all nodes say of the last block that all of them have. @throws NodesDisagree */
export async function agreedView(rpcs: readonly Rpc[], vault: Address): Promise<VaultView> {
  const heights = await askChain(() => Promise.all(rpcs.map(latestHeight)));
  const block = heights.reduce((least, height) => (height < least ? height : least));
  return await agreed(rpcs, 'the vault', (rpc) => viewAt(rpc, vault, block));
}

/** What each node that answers says by itself. */
export async function viewsApart(rpcs: readonly Rpc[], vault: Address): Promise<VaultView[]> {
  const views = await Promise.allSettled(
    rpcs.map((rpc) => askChain(async () => await viewAt(rpc, vault, await latestHeight(rpc)))),
  );
  return views.flatMap((view) => (view.status === 'fulfilled' ? [view.value] : []));
}

/** The totals of wallets, of which all nodes say the same. @throws NodesDisagree; BrokerError `dependency_unavailable` */
export async function totalsAt(
  rpcs: readonly Rpc[],
  vault: Address,
  { block }: Pick<VaultView, 'block'>,
  wallets: { customers: ReadonlySet<Address>; payees: ReadonlySet<Address> },
): Promise<VaultTotals> {
  const at = { address: vault, abi: rentalVaultAbi, blockNumber: BigInt(block) } as const;
  const customers = new Map<Address, { balance: bigint; spent: bigint; cap: bigint }>();
  const payees = new Map<Address, bigint>();
  const failed = [
    ...(await sideBySide([...wallets.customers], readsAtOnce, async (wallet) => {
      const read = ({ client }: Rpc) => client.readContract({ ...at, functionName: 'customers', args: [wallet] });
      const [balance, spent, cap] = await agreed(rpcs, `customer ${wallet}`, read);
      customers.set(wallet, { balance, spent, cap });
    })),
    ...(await sideBySide([...wallets.payees], readsAtOnce, async (wallet) => {
      const read = ({ client }: Rpc) => client.readContract({ ...at, functionName: 'payees', args: [wallet] });
      const [credited] = await agreed(rpcs, `payee ${wallet}`, read);
      payees.set(wallet, credited);
    })),
  ];
  if (failed.length > 0) throw failed[0]!.error;
  const fees = await agreed(rpcs, 'the fees', ({ client }) => client.readContract({ ...at, functionName: 'fees' }));
  return { customers, payees, fees, changing: await changingAt(rpcs, vault, block) };
}

async function changingAt(rpcs: readonly Rpc[], vault: Address, block: number): Promise<Set<string>> {
  const range = { from: Math.max(0, block - recentBlocks + 1), to: block };
  const events = await agreed(rpcs, 'events', (rpc) => eventsInParts(rpc, vault, range));
  const moving = events.filter(({ name }) => ['Deposited', 'CapRaised', 'Withdrawn', 'Exited'].includes(name));
  return new Set(moving.map(({ args }) => (args['customer'] ?? '').toLowerCase()));
}

const lower = (address: string) => address.toLowerCase() as Address;
