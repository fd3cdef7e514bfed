import { setTimeout as sleep } from 'node:timers/promises';
import { zeroHash, type Address, type Hex } from 'viem';
import { latestBounds } from '../chain/final-block.js';
import { rentalVaultAbi } from '../chain/rental-vault-abi.js';
import { agreed, askChain, NodesDisagree, type Rpc } from '../chain/rpc.js';
import { eventsInParts } from '../chain/vault-log.js';
import { BrokerError } from '../domain/errors.js';
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
/** Of those blocks. */
const mostEvents = 10_000;
const longestEventsMs = 10_000;

/** A block is not the last one of a chain when it is so much older than the clock, and a node has a newer one. */
const oldestS = 600;
const longestViewMs = 60_000;

async function latestHeight({ client }: Rpc): Promise<bigint> {
  return await askChain(() => client.getBlockNumber());
}

/** What one node says. */
async function viewAt({ client }: Rpc, vault: Address, block: bigint): Promise<VaultView> {
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

/**
 * What all nodes say of the last block that all of them have. One alone must not hold that back: what was proposed since
 * would not be seen before it is executed. On a chain without traffic the last block is old, and then no node has another.
 *
 * @throws NodesDisagree, also about a block that is old although a node has a newer one.
 */
export async function agreedView(rpcs: readonly Rpc[], vault: Address): Promise<VaultView> {
  const { least, most } = await latestBounds(rpcs);
  const view = await agreed(rpcs, 'the vault', (rpc) => inTime(viewAt(rpc, vault, least), rpc));
  if (most > least && Date.now() / 1_000 - view.timeS > oldestS) throw new NodesDisagree('the last block');
  return view;
}

/** What each node that answers says by itself. */
export async function viewsApart(rpcs: readonly Rpc[], vault: Address): Promise<VaultView[]> {
  const views = await Promise.allSettled(
    rpcs.map((rpc) =>
      askChain(() =>
        inTime(
          latestHeight(rpc).then((height) => viewAt(rpc, vault, height)),
          rpc,
        ),
      ),
    ),
  );
  return views.flatMap((view) => (view.status === 'fulfilled' ? [view.value] : []));
}

/** A node that answers each question just in time must not hold up what the others show. */
async function inTime<T>(work: Promise<T>, { host }: Rpc): Promise<T> {
  const timer = new AbortController();
  const late = sleep(longestViewMs, undefined, { signal: timer.signal }).then(() => {
    throw new BrokerError('dependency_unavailable', `the chain’s node at ${host} takes too long to show the vault`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
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

/**
 * Anybody can fill blocks with events. Whoever cannot be told from a customer whose money is changing counts as one: then
 * the guardian says less of who was spared, and decides the same.
 */
async function changingAt(rpcs: readonly Rpc[], vault: Address, block: number): Promise<VaultTotals['changing']> {
  const range = { from: Math.max(0, block - recentBlocks + 1), to: block };
  const untilMs = Date.now() + longestEventsMs;
  try {
    const events = await agreed(rpcs, 'events', (rpc) =>
      eventsInParts(rpc, vault, range, { untilMs, left: mostEvents }),
    );
    const moving = events.filter(({ name }) => ['Deposited', 'CapRaised', 'Withdrawn', 'Exited'].includes(name));
    return new Set(moving.map(({ args }) => (args['customer'] ?? '').toLowerCase()));
  } catch {
    return { has: () => true };
  }
}

const lower = (address: string) => address.toLowerCase() as Address;
