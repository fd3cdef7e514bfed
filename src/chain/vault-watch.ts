import { erc20Abi, type Address } from 'viem';
import { bookVaultEvents, type BookedVault } from '../billing/vault-events.js';
import { withTransaction, type Queryable } from '../db/pool.js';
import { recordVault } from '../db/vaults.js';
import {
  insertVaultEvents,
  moveVaultCursor,
  readVaultCursor,
  replaceIncoming,
  unitsInVault,
  walletInVault,
  type Cursor,
  type Incoming,
  type VaultEvent,
} from '../db/vault-events.js';
import { baseUnitsOf, scaleOf } from '../domain/vault-units.js';
import { chainAlarms, vaultReadAt, vaultReadBlock, vaultUnaskedTokens } from '../observability/metrics.js';
import { finalHeight } from './final-block.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { giveBackOverdue } from './overdue-withdrawals.js';
import { tellDisagreement } from './disagreement.js';
import { agreed, askChain, firstAnswer, NodesDisagree, type Rpc } from './rpc.js';
import { seeVault } from './see-vault.js';
import { vaultEvents } from './vault-log.js';
import type { WatchDeps } from './watch-deps.js';

export type { WatchDeps } from './watch-deps.js';

export interface Watched {
  /** The block up to which everything is booked; null where no block is final yet. */
  block: number | null;
  events: number;
  /** Whether there are more final blocks to be read. */
  isBehind: boolean;
}

/** What nodes answer at once. */
const blocksAtOnce = 1_000;
const rangesAtOnce = 20;

/** The chain has another block where there was a final one. */
export class FinalBlockGone extends NodesDisagree {
  constructor(block: number) {
    super(
      `block ${block}, which was final and is not there any more: CHAIN_FINALITY is too low for this chain`,
      'taken_back',
    );
  }
}

/**
 * Reads what the vault's events say in blocks that are final, and books it together with how far it has read: so each is
 * booked once, and after a crash where it stopped. Nothing is believed that the nodes do not agree about.
 *
 * @throws NodesDisagree, which counts as an alarm; BrokerError `dependency_unavailable` while a node does not answer.
 */
export async function watchVault(deps: WatchDeps): Promise<Watched> {
  try {
    const { facts } = deps;
    await recordVault(deps.pool, facts, { ...facts, scale: scaleOf(facts.decimals) });
    let events = 0;
    for (let range = 0; range < rangesAtOnce; range++) {
      const read = await readRange(deps);
      if (read === 'nothing new') break;
      events += read.length;
    }
    const height = await finalHeightOfAll(deps);
    const cursor = await readVaultCursor(deps.pool, deps.facts);
    const isBehind = height !== undefined && (cursor?.block ?? -1) < height;
    if (cursor !== undefined) vaultReadBlock.set(cursor.block);
    if (cursor !== undefined && !isBehind) await compareTokens(deps, cursor);
    if (cursor !== undefined) await giveBackOverdue(deps, cursor);
    await lookAhead(deps, cursor?.block ?? -1);
    await seeVault(deps);
    vaultReadAt.set(Date.now() / 1_000);
    return { block: cursor?.block ?? null, events, isBehind };
  } catch (error) {
    tellDisagreement(error, deps.logger);
    throw error;
  }
}

/** The last block that all nodes call final. */
async function finalHeightOfAll({ rpcs, settings }: WatchDeps): Promise<number | undefined> {
  const heights = await askChain(() => Promise.all(rpcs.map((rpc) => finalHeight(rpc, settings.finality))));
  if (heights.includes(undefined)) return undefined;
  return Math.min(...heights.map(Number));
}

async function readRange(deps: WatchDeps): Promise<VaultEvent[] | 'nothing new'> {
  const { rpcs, pool, facts, settings } = deps;
  const height = await finalHeightOfAll(deps);
  const cursor = await readVaultCursor(pool, facts);
  const from = cursor === undefined ? settings.fromBlock : cursor.block + 1;
  if (height === undefined || height < from) return 'nothing new';
  if (cursor !== undefined) await mustStand(rpcs, cursor);
  const to = Math.min(height, from + blocksAtOnce - 1);
  const blockHash = await hashOf(rpcs, to);
  const events = await agreed(rpcs, 'events', (rpc) => vaultEvents(rpc, facts.vault, { from, to }));
  const said = await depositsByVault(deps, events, height);
  // Blocks and events are asked for one after the other: between them the chain may have changed.
  if ((await hashOf(rpcs, to)) !== blockHash) throw new NodesDisagree(`block ${to}`);
  const vault: BookedVault = {
    ...{ chainId: facts.chainId, vault: facts.vault, scale: scaleOf(facts.decimals) },
    leastDeposit: settings.leastDeposit,
  };
  const alarms = await withTransaction(pool, async (tx) => {
    // Another process has booked the range.
    if (!(await moveVaultCursor(tx, facts, cursor, { block: to, blockHash }))) return [];
    const booked = await bookVaultEvents(tx, vault, await insertVaultEvents(tx, facts, events));
    await mustBeInVault(tx, vault, said, to === height);
    return booked;
  });
  for (const kind of alarms) chainAlarms.inc({ kind });
  if (alarms.length > 0) deps.logger.error({ from, to, alarms }, 'the vault did what the ledger did not expect');
  return events;
}

const hashOf = (rpcs: readonly Rpc[], block: number) =>
  agreed(rpcs, `block ${block}`, async ({ client }) => (await client.getBlock({ blockNumber: BigInt(block) })).hash);

async function mustStand(rpcs: readonly Rpc[], cursor: Cursor): Promise<void> {
  if ((await hashOf(rpcs, cursor.block)) !== cursor.blockHash) throw new FinalBlockGone(cursor.block);
}

/** What the vault itself says of those who deposited: a log alone is easily made up. Units of the token. */
async function depositsByVault(
  { rpcs, facts }: WatchDeps,
  events: readonly VaultEvent[],
  height: number,
): Promise<ReadonlyMap<string, bigint>> {
  const said = new Map<string, bigint>();
  for (const { name, args } of events) {
    const wallet = (args['customer'] ?? '').toLowerCase();
    if (name !== 'Deposited' || said.has(wallet)) continue;
    // Nodes keep the state of the last blocks alone, so it is asked for at the last one that is final.
    const ask = ({ client }: Rpc) => depositedBy(client, facts.vault, wallet, height);
    said.set(wallet, await agreed(rpcs, `what ${wallet} deposited`, ask));
  }
  return said;
}

/** Holds what was just booked against that. Inside of the transaction, so that nobody else books meanwhile. */
async function mustBeInVault(
  tx: Queryable,
  vault: BookedVault,
  said: ReadonlyMap<string, bigint>,
  isAllOfIt: boolean,
): Promise<void> {
  for (const [wallet, units] of said) {
    const deposited = (await walletInVault(tx, vault, wallet)).deposited / vault.scale;
    if (units < deposited || (isAllOfIt && units !== deposited)) throw new NodesDisagree(`what ${wallet} deposited`);
  }
}

async function depositedBy(client: Rpc['client'], vault: Address, wallet: string, block: number): Promise<bigint> {
  const [balance, spent, , , withdrawn] = await client.readContract({
    ...{ address: vault, abi: rentalVaultAbi, functionName: 'customers', args: [wallet as Address] },
    blockNumber: BigInt(block),
  });
  return balance + spent + withdrawn;
}

/** Tokens that were sent to the vault without a deposit belong to nobody; fewer than it should have is an alarm. */
async function compareTokens({ rpcs, pool, facts, logger }: WatchDeps, { block }: Cursor): Promise<void> {
  const should = await unitsInVault(pool, facts);
  if (should === undefined) return;
  const holds = await agreed(rpcs, 'the tokens of the vault', ({ client }) =>
    client.readContract({
      ...{ address: facts.token, abi: erc20Abi, functionName: 'balanceOf', args: [facts.vault] },
      blockNumber: BigInt(block),
    }),
  );
  const unasked = holds - should;
  vaultUnaskedTokens.set(Number(unasked) / 10 ** facts.decimals);
  if (unasked < 0n) logger.error({ missing: (-unasked).toString() }, 'the vault has fewer tokens than it was given');
}

/** Shows customers what is on its way. One node is believed, because nothing depends on it. */
async function lookAhead({ rpcs, pool, facts }: WatchDeps, after: number): Promise<void> {
  const scale = scaleOf(facts.decimals);
  const events = await firstAnswer(rpcs, async (rpc) => {
    const head = Number(await rpc.client.getBlockNumber());
    const from = Math.max(after + 1, head - blocksAtOnce + 1);
    return head < from ? [] : await vaultEvents(rpc, facts.vault, { from, to: head });
  });
  const seen = events.flatMap(({ name, args, txHash, logIndex, block }): Incoming[] =>
    name === 'Deposited'
      ? [
          {
            txHash,
            logIndex,
            block,
            wallet: args['customer']!.toLowerCase(),
            amount: baseUnitsOf(BigInt(args['amount']!), scale),
          },
        ]
      : [],
  );
  await withTransaction(pool, (tx) => replaceIncoming(tx, facts, seen.slice(-blocksAtOnce)));
}
