import { erc20Abi, type Address } from 'viem';
import { bookVaultEvents, type BookedVault } from '../billing/vault-events.js';
import { withTransaction, type Queryable } from '../db/pool.js';
import { recordVault } from '../db/vaults.js';
import {
  insertVaultEvents,
  moveVaultCursor,
  readVaultCursor,
  unitsInVault,
  walletInVault,
  type Cursor,
  type VaultEvent,
} from '../db/vault-events.js';
import { sideBySide } from '../side-by-side.js';
import { scaleOf } from '../domain/vault-units.js';
import { BrokerError } from '../domain/errors.js';
import { chainAlarms, vaultReadAt, vaultReadBlock, vaultUnaskedTokens } from '../observability/metrics.js';
import { finalOfAll } from './final-block.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { lookAhead } from './look-ahead.js';
import { giveBackOverdue } from './overdue-withdrawals.js';
import { mostEvents, paceOf, slowDown, speedUp, type ReadPace } from './read-pace.js';
import { tellDisagreement } from './disagreement.js';
import { agreed, NodesDisagree, type Rpc } from './rpc.js';
import { seeVault } from './see-vault.js';
import { eventsOfBlock, unreadable, vaultEvents, type BlockRange } from './vault-log.js';
import type { WatchDeps } from './watch-deps.js';

export type { WatchDeps } from './watch-deps.js';

export interface Watched {
  /** The block up to which everything is booked; null where no block is final yet. */
  block: number | null;
  events: number;
  /** Whether there are more final blocks to be read. */
  isBehind: boolean;
}

const rangesAtOnce = 20;
/** After so long a look begins no further range: the next look goes on. */
const longestReadingMs = 40_000;
const depositorsAtOnce = 8;

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
 * @param pace what looks of one process remember of how much nodes answer; only tests begin anew.
 * @throws NodesDisagree, which counts as an alarm; BrokerError `dependency_unavailable` while a node does not answer.
 */
export async function watchVault(deps: WatchDeps, pace: ReadPace = paceOf(deps.facts)): Promise<Watched> {
  try {
    const { facts } = deps;
    await recordVault(deps.pool, facts, { ...facts, scale: scaleOf(facts.decimals) });
    const events = await readRanges(deps, pace);
    const height = await finalOfAll(deps.rpcs, deps.settings.finality);
    const cursor = await readVaultCursor(deps.pool, deps.facts);
    const isBehind = height !== undefined && (cursor?.block ?? -1) < height;
    if (cursor !== undefined) vaultReadBlock.set(cursor.block);
    // Before anything that nodes may disagree about: customers wait for it.
    if (cursor !== undefined) await giveBackOverdue(deps, cursor);
    if (cursor !== undefined && !isBehind) await compareTokens(deps, cursor, pace);
    await lookAhead(deps, cursor?.block ?? -1, pace);
    await seeVault(deps);
    vaultReadAt.set(Date.now() / 1_000);
    return { block: cursor?.block ?? null, events, isBehind };
  } catch (error) {
    tellDisagreement(error, deps.logger);
    throw error;
  }
}

/**
 * Reads ranges of blocks until there are no more, or the look has taken long enough. One that is too much for a node, or
 * for one transaction, is halved.
 *
 * @returns how many events there were.
 */
async function readRanges(deps: WatchDeps, pace: ReadPace): Promise<number> {
  const [began, counts]: [number, number[]] = [Date.now(), []];
  let refusal: BrokerError | undefined;
  for (let range = 0; range < rangesAtOnce && Date.now() - began < longestReadingMs; range++) {
    const read = await readRange(deps, pace);
    if (read === 'nothing new') return sumOf(counts);
    if ('refusal' in read) refusal = read.refusal;
    else counts.push(read.events);
  }
  // Nothing at all was read, so this look found out nothing.
  if (counts.length === 0 && refusal !== undefined) throw refusal;
  return sumOf(counts);
}

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

type ReadRange = { events: number } | { refusal: BrokerError } | 'nothing new';

async function readRange(deps: WatchDeps, pace: ReadPace): Promise<ReadRange> {
  const { rpcs, pool, facts, settings } = deps;
  const final = await finalOfAll(rpcs, settings.finality);
  const cursor = await readVaultCursor(pool, facts);
  const from = cursor === undefined ? settings.fromBlock : cursor.block + 1;
  if (final === undefined || final < from) return 'nothing new';
  const height = Number(final);
  if (cursor !== undefined) await mustStand(rpcs, cursor);
  const to = Math.min(height, from + pace.blocks - 1);
  const blockHash = await hashOf(rpcs, to);
  const events = await eventsOf(deps, { from, to });
  if ('refusal' in events) {
    slowDown(pace, to - from + 1);
    return events;
  }
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
  speedUp(pace);
  return { events: events.length };
}

/**
 * The events on which all nodes agree; or why they are to be asked for in smaller parts.
 *
 * @throws BrokerError `dependency_unavailable` for a single block, which has no parts. That is an alarm: the reader stands
 *   still before it.
 */
async function eventsOf({ rpcs, facts, logger }: WatchDeps, range: BlockRange) {
  const { from, to } = range;
  const read = (rpc: Rpc) =>
    from === to ? eventsOfBlock(rpc, facts.vault, from) : vaultEvents(rpc, facts.vault, range);
  try {
    const events = await agreed(rpcs, 'events', read);
    if (events.length <= mostEvents || from === to) return events;
    return { refusal: new BrokerError('dependency_unavailable', `blocks ${from} to ${to} have too many events`) };
  } catch (error) {
    if (error instanceof NodesDisagree) throw error;
    const refusal = unreadable(error, range);
    if (from < to) return { refusal };
    chainAlarms.inc({ kind: 'unread_block' });
    logger.error(
      { block: from, why: refusal.detail },
      'the vault is not read on before a node says the events of a block',
    );
    throw refusal;
  }
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
  const deposits = events.filter(({ name }) => name === 'Deposited');
  const wallets = new Set(deposits.map(({ args }) => (args['customer'] ?? '').toLowerCase()));
  const failed = await sideBySide([...wallets], depositorsAtOnce, async (wallet) => {
    // Nodes keep the state of the last blocks alone, so it is asked for at the last one that is final.
    const ask = ({ client }: Rpc) => depositedBy(client, facts.vault, wallet, height);
    said.set(wallet, await agreed(rpcs, `what ${wallet} deposited`, ask));
  });
  const failure = failed.find(({ error }) => error instanceof NodesDisagree) ?? failed[0];
  if (failure !== undefined) throw failure.error;
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
async function compareTokens(
  { rpcs, pool, facts, logger }: WatchDeps,
  { block }: Cursor,
  pace: ReadPace,
): Promise<void> {
  const held = await unitsInVault(pool, facts, block, pace.held);
  if (held === undefined) return;
  pace.held = held;
  const holds = await agreed(rpcs, 'the tokens of the vault', ({ client }) =>
    client.readContract({
      ...{ address: facts.token, abi: erc20Abi, functionName: 'balanceOf', args: [facts.vault] },
      blockNumber: BigInt(block),
    }),
  );
  const unasked = holds - held.units;
  vaultUnaskedTokens.set(Number(unasked) / 10 ** facts.decimals);
  if (unasked < 0n) logger.error({ missing: (-unasked).toString() }, 'the vault has fewer tokens than it was given');
}
