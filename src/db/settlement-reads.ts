import type { Hex } from 'viem';
import { batchOf, batchUnderWay, columns, lastFinalBatch, type Batch, type BatchRow } from './batches.js';
import { seenVault, type SeenVault } from './vaults.js';
import type { TxStatus, TxWait } from './chain-tx.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Queryable } from './pool.js';
import { countPermits } from './spend-permits.js';
import type { VaultId } from './vault-events.js';

// Settlements, as everybody may see them, and what operators see beside them.

/** A settlement that has been proposed, or has ended. */
export interface PublicBatch extends Omit<Batch, 'status'> {
  status: 'proposed' | 'final' | 'void';
  endedAt?: Date;
  /** The transactions, once they are final. */
  proposeTx?: Hex;
  executeTx?: Hex;
}

interface PublicRow extends BatchRow {
  ended_at: Date | null;
  propose_tx: Hex | null;
  execute_tx: Hex | null;
}

const txOf = (name: string) =>
  `(select e.tx_hash from chain_events e
     where e.chain_id = b.chain_id and e.vault = b.vault and e.name = '${name}' and e.args ->> 'number' = b.number::text
     order by e.block_number desc limit 1)`;

const publicColumns = `${columns}, ended_at, ${txOf('BatchProposed')} as propose_tx, ${txOf('BatchExecuted')} as execute_tx`;

function publicOf(row: PublicRow): PublicBatch {
  return {
    ...(batchOf(row) as Omit<Batch, 'status'> & { status: PublicBatch['status'] }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.propose_tx === null ? {} : { proposeTx: row.propose_tx }),
    ...(row.execute_tx === null ? {} : { executeTx: row.execute_tx }),
  };
}

const isNumber = (part: string) => /^[1-9]\d{0,15}$/.test(part);

/**
 * Settlements from their proposal on, newest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listSettlements(
  db: Queryable,
  { chainId, vault }: VaultId,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ batches: PublicBatch[]; nextCursor?: string }> {
  const [before] = cursor === undefined ? [] : decodeCursor(cursor, isNumber);
  const { rows } = await db.query<PublicRow>(
    `select ${publicColumns} from batches b
      where chain_id = $1 and vault = $2 and status <> 'cut' and ($3::bigint is null or number < $3)
      order by number desc limit $4`,
    [chainId, vault, before ?? null, limit + 1],
  );
  const batches = rows.slice(0, limit).map(publicOf);
  return { batches, ...(rows.length > limit ? { nextCursor: encodeCursor(String(batches.at(-1)!.number)) } : {}) };
}

export async function findSettlement(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: string,
): Promise<PublicBatch | undefined> {
  const { rows } = await db.query<PublicRow>(
    `select ${publicColumns} from batches b where chain_id = $1 and vault = $2 and status <> 'cut' and number = $3`,
    [chainId, vault, number],
  );
  return rows[0] && publicOf(rows[0]);
}

export interface Stop {
  reason: string;
  stoppedAt: Date;
  resumedAt?: Date;
}

/** What operators see of a vault. */
export interface SettlementOverview {
  known?: SeenVault;
  readBlock?: number;
  readAt?: Date;
  stop?: Stop;
  underWay?: Batch;
  lastFinal?: { number: number; at: Date };
  sending: {
    purpose: string;
    nonce: number;
    txHash: Hex;
    status: Extract<TxStatus, 'submitted' | 'mined'>;
    waitsFor?: TxWait;
    waitsSince?: Date;
  }[];
  permitsKept: number;
  frozen: { wallet: string; since: Date; reason: string }[];
}

export async function settlementOverview(db: Queryable, vault: VaultId): Promise<SettlementOverview> {
  const { chainId } = vault;
  const of = [chainId, vault.vault];
  const known = await seenVault(db, vault);
  const cursor = await db.query<{ block: number; read_at: Date }>(
    'select block, read_at from chain_cursor where chain_id = $1 and vault = $2',
    of,
  );
  const stop = await findStop(db, vault);
  const underWay = await batchUnderWay(db, vault);
  const [read, last] = [cursor.rows[0], await lastFinalBatch(db, vault)];
  return {
    ...(known === undefined ? {} : { known }),
    ...(read === undefined ? {} : { readBlock: read.block, readAt: read.read_at }),
    ...(stop === undefined ? {} : { stop }),
    ...(underWay === undefined ? {} : { underWay }),
    ...(last === undefined ? {} : { lastFinal: last }),
    sending: await sendingNow(db, vault),
    permitsKept: await countPermits(db, vault),
    frozen: await frozenNow(db, vault),
  };
}

/** Why nothing is settled until an operator resumes, and since when. */
async function findStop(db: Queryable, { chainId, vault }: VaultId): Promise<Stop | undefined> {
  const { rows } = await db.query<{ reason: string; stopped_at: Date }>(
    'select reason, stopped_at from settlement_stops where chain_id = $1 and vault = $2 and resumed_at is null',
    [chainId, vault],
  );
  return rows[0] && { reason: rows[0].reason, stoppedAt: rows[0].stopped_at };
}

const mostFrozen = 1_000;

async function frozenNow(db: Queryable, { chainId, vault }: VaultId): Promise<SettlementOverview['frozen']> {
  const { rows } = await db.query<{ wallet: string; since: Date; reason: string }>(
    `select wallet, frozen_at as since, reason from frozen_wallets
      where chain_id = $1 and vault = $2 and thawed_at is null order by frozen_at limit $3`,
    [chainId, vault, mostFrozen],
  );
  return rows;
}

async function sendingNow(db: Queryable, { chainId, vault }: VaultId): Promise<SettlementOverview['sending']> {
  const { rows } = await db.query<{
    purpose: string;
    nonce: number;
    hash: Hex;
    status: 'submitted' | 'mined';
    waits_for: TxWait | null;
    waits_since: Date | null;
  }>(
    `select purpose, nonce, hashes[cardinality(hashes)] as hash, status, waits_for, waits_since
       from chain_tx where chain_id = $1 and to_address = $2 and status in ('submitted', 'mined')
      order by nonce limit 100`,
    [chainId, vault],
  );
  return rows.map((row) => ({
    ...{ purpose: row.purpose, nonce: row.nonce, txHash: row.hash, status: row.status },
    ...(row.waits_for === null || row.waits_since === null
      ? {}
      : { waitsFor: row.waits_for, waitsSince: row.waits_since }),
  }));
}
