import type { Address, Hex } from 'viem';
import type { VoidReason } from '../domain/settlement-step.js';
import type { BatchLine } from '../wire/settlement-batch.js';
import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

type BatchStatus = 'cut' | 'proposed' | 'final' | 'void';

export interface Batch {
  number: number;
  hash: Hex;
  status: BatchStatus;
  cutAt: Date;
  /** Whether it left something for the next one. */
  isCutShort: boolean;
  /** Whether that is so little that everything counts as settled. */
  isLeftLittle: boolean;
  executableAt?: Date;
  waitsFor?: string;
  waitsSince?: Date;
  voidReason?: string;
}

export interface BatchRow {
  number: number;
  hash: Hex;
  status: BatchStatus;
  cut_at: Date;
  cut_short: boolean;
  left_little: boolean;
  executable_at: Date | null;
  waits_for: string | null;
  waits_since: Date | null;
  void_reason: string | null;
}

export const columns =
  'number, hash, status, cut_at, cut_short, left_little, executable_at, waits_for, waits_since, void_reason';

export function batchOf(row: BatchRow): Batch {
  return {
    ...{ number: row.number, hash: row.hash, status: row.status, cutAt: row.cut_at },
    ...{ isCutShort: row.cut_short, isLeftLittle: row.left_little },
    ...(row.executable_at === null ? {} : { executableAt: row.executable_at }),
    ...(row.waits_for === null ? {} : { waitsFor: row.waits_for }),
    ...(row.waits_since === null ? {} : { waitsSince: row.waits_since }),
    ...(row.void_reason === null ? {} : { voidReason: row.void_reason }),
  };
}

export async function findBatch(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: number,
): Promise<Batch | undefined> {
  const { rows } = await db.query<BatchRow>(
    `select ${columns} from batches where chain_id = $1 and vault = $2 and number = $3`,
    [chainId, vault, number],
  );
  return rows[0] && batchOf(rows[0]);
}

/** The settlement that has neither been executed nor become void. */
export async function batchUnderWay(db: Queryable, { chainId, vault }: VaultId): Promise<Batch | undefined> {
  const { rows } = await db.query<BatchRow>(
    `select ${columns} from batches where chain_id = $1 and vault = $2 and status in ('cut', 'proposed')`,
    [chainId, vault],
  );
  return rows[0] && batchOf(rows[0]);
}

/** The last number that is known here; 0 before the first. */
export async function lastBatchNumber(db: Queryable, { chainId, vault }: VaultId): Promise<number> {
  const { rows } = await db.query<{ last: number }>(
    'select coalesce(max(number), 0) as last from batches where chain_id = $1 and vault = $2',
    [chainId, vault],
  );
  return rows[0]!.last;
}

/** The last settlement that was executed, and when that was found to be final. */
export async function lastFinalBatch(
  db: Queryable,
  { chainId, vault }: VaultId,
): Promise<{ number: number; at: Date } | undefined> {
  const { rows } = await db.query<{ number: number; at: Date }>(
    `select number, ended_at as at from batches where chain_id = $1 and vault = $2 and status = 'final'
      order by number desc limit 1`,
    [chainId, vault],
  );
  return rows[0];
}

/**
 * Lets nobody else cut or end a settlement of the vault until the transaction ends. Call it before any account is locked:
 * whoever cuts locks accounts after it.
 */
export async function lockBatches(tx: Queryable, { chainId, vault }: VaultId): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('batches ' || $1::text || ' ' || $2, 0))`, [
    chainId,
    vault,
  ]);
}

export interface Lines {
  draws: readonly BatchLine[];
  credits: readonly BatchLine[];
}

interface NewBatch extends Lines {
  number: number;
  hash: Hex;
  isCutShort?: boolean;
  isLeftLittle?: boolean;
}

export async function insertBatch(
  tx: Queryable,
  { chainId, vault }: VaultId,
  { number, hash, isCutShort = false, isLeftLittle = true, draws, credits }: NewBatch,
): Promise<void> {
  await tx.query(
    `insert into batches (chain_id, vault, number, cut_at, last_entry_id, hash, cut_short, left_little)
     values ($1, $2, $3, clock_timestamp(), (select coalesce(max(id), 0) from ledger_entries), $4, $5, $6)`,
    [chainId, vault, number, hash, isCutShort, isLeftLittle],
  );
  for (const [side, lines] of [
    ['draw', draws],
    ['credit', credits],
  ] as const) {
    await tx.query(
      `insert into batch_lines (chain_id, vault, batch, side, wallet, cumulative)
       select $1, $2, $3, $4, * from unnest($5::text[], $6::numeric[])`,
      [
        ...[chainId, vault, number, side, lines.map(({ wallet }) => wallet)],
        lines.map(({ cumulative }) => cumulative.toString()),
      ],
    );
  }
}

/** Writes down one that this broker did not cut, so that its number is not taken for free. */
export async function insertForeignBatch(
  tx: Queryable,
  { chainId, vault }: VaultId,
  { number, hash }: { number: number; hash: Hex },
): Promise<void> {
  await tx.query(
    `insert into batches (chain_id, vault, number, cut_at, last_entry_id, hash, status, ended_at, void_reason)
     values ($1, $2, $3, clock_timestamp(), 0, $4, 'void', clock_timestamp(), 'foreign') on conflict do nothing`,
    [chainId, vault, number, hash],
  );
}

export async function readLines(db: Queryable, { chainId, vault }: VaultId, number: number): Promise<Lines> {
  const { rows } = await db.query<{ side: 'draw' | 'credit'; wallet: Address; cumulative: string }>(
    `select side, wallet, cumulative::text from batch_lines
      where chain_id = $1 and vault = $2 and batch = $3 order by wallet collate "C"`,
    [chainId, vault, number],
  );
  const of = (wanted: string) =>
    rows
      .filter(({ side }) => side === wanted)
      .map(({ wallet, cumulative }): BatchLine => ({ wallet, cumulative: BigInt(cumulative) }));
  return { draws: of('draw'), credits: of('credit') };
}

/** Whom settlements credit, and whom the one that is under way credits. */
export async function payeesOfBatches(
  db: Queryable,
  { chainId, vault }: VaultId,
  numbers: readonly number[],
): Promise<Address[]> {
  const { rows } = await db.query<{ wallet: Address }>(
    `select distinct l.wallet
       from batches b join batch_lines l on l.chain_id = b.chain_id and l.vault = b.vault and l.batch = b.number
      where b.chain_id = $1 and b.vault = $2 and (b.number = any ($3) or b.status in ('cut', 'proposed'))
        and l.side = 'credit'`,
    [chainId, vault, numbers],
  );
  return rows.map(({ wallet }) => wallet);
}

/** @returns false when it had ended before. */
export async function endBatch(
  tx: Queryable,
  { chainId, vault }: VaultId,
  number: number,
  end: { status: 'final' } | { status: 'void'; reason: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update batches set status = $4, void_reason = $5, ended_at = clock_timestamp(), waits_for = null, waits_since = null
      where chain_id = $1 and vault = $2 and number = $3 and status in ('cut', 'proposed')`,
    [chainId, vault, number, end.status, end.status === 'void' ? end.reason : null],
  );
  return rowCount === 1;
}

/** Takes one that was void for executed. @returns false when it was not void. */
export async function reviveBatch(tx: Queryable, { chainId, vault }: VaultId, number: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update batches set status = 'final', void_reason = null, ended_at = clock_timestamp()
      where chain_id = $1 and vault = $2 and number = $3 and status = 'void'`,
    [chainId, vault, number],
  );
  return rowCount === 1;
}

/** What a settlement credits beyond all that were executed, as the vault reckons it. Units of the token. */
export async function creditsBeyondFinal(
  tx: Queryable,
  { chainId, vault }: VaultId,
  number: number,
): Promise<{ wallet: Address; units: bigint }[]> {
  const { rows } = await tx.query<{ wallet: Address; units: string }>(
    `select wallet, units::text
       from (select l.wallet, l.cumulative - coalesce((
                      select max(o.cumulative)
                        from batch_lines o
                        join batches b on b.chain_id = o.chain_id and b.vault = o.vault and b.number = o.batch
                       where o.wallet = l.wallet and o.side = 'credit' and o.chain_id = $1 and o.vault = $2
                         and b.status = 'final' and b.number <> $3), 0) as units
               from batch_lines l
              where l.chain_id = $1 and l.vault = $2 and l.batch = $3 and l.side = 'credit') c
      where units > 0 order by wallet collate "C"`,
    [chainId, vault, number],
  );
  return rows.map(({ wallet, units }) => ({ wallet, units: BigInt(units) }));
}

/** Writes down what a settlement waits for; for operators. @returns since when. */
export async function recordBatchWait(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: number,
  { waitsFor, executableAtS }: { waitsFor?: string | undefined; executableAtS?: number | undefined },
): Promise<Date | undefined> {
  const { rows } = await db.query<{ waits_since: Date | null }>(
    `update batches
        set waits_since = case when $4::text is null then null when waits_for is distinct from $4 then clock_timestamp()
                               else waits_since end,
            waits_for = $4, executable_at = coalesce(to_timestamp($5), executable_at),
            status = case when $5::float8 is null then status else 'proposed' end
      where chain_id = $1 and vault = $2 and number = $3 and status in ('cut', 'proposed') returning waits_since`,
    [chainId, vault, number, waitsFor ?? null, executableAtS ?? null],
  );
  return rows[0]?.waits_since ?? undefined;
}

/** Why nothing is settled until an operator resumes; undefined while nothing is stopped. */
export async function openStop(db: Queryable, { chainId, vault }: VaultId): Promise<string | undefined> {
  const { rows } = await db.query<{ reason: string }>(
    'select reason from settlement_stops where chain_id = $1 and vault = $2 and resumed_at is null',
    [chainId, vault],
  );
  return rows[0]?.reason;
}

/** @returns false when they were stopped before. */
export async function stopSettlements(
  tx: Queryable,
  { chainId, vault }: VaultId,
  reason: VoidReason | 'foreign_proposal',
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'insert into settlement_stops (chain_id, vault, reason) values ($1, $2, $3) on conflict do nothing',
    [chainId, vault, reason],
  );
  return rowCount === 1;
}

/** Who resumes, and why. */
interface Resumption {
  by: string;
  reason: string;
  /** Names the request: repeated, it says the same. */
  requestKey: string;
}

interface Resumed {
  stoppedFor: string;
  stoppedAt: Date;
  resumedAt: Date;
  reason: string;
  isRepeat: boolean;
}

/** @returns undefined when nothing was stopped. */
export async function resumeSettlements(
  tx: Queryable,
  { chainId, vault }: VaultId,
  { by, reason, requestKey }: Resumption,
): Promise<Resumed | undefined> {
  const { rows } = await tx.query<{
    stopped_for: string;
    stopped_at: Date;
    resumed_at: Date;
    resumed_reason: string;
    is_repeat: boolean;
  }>(
    `with earlier as (
       select s.*, true as is_repeat from settlement_stops s where resumed_key = $5
     ), now as (
       update settlement_stops set resumed_at = clock_timestamp(), resumed_by = $3, resumed_reason = $4, resumed_key = $5
        where chain_id = $1 and vault = $2 and resumed_at is null and not exists (select from earlier)
       returning *, false as is_repeat
     ) select reason as stopped_for, stopped_at, resumed_at, resumed_reason, is_repeat
         from (table earlier union all table now) s`,
    [chainId, vault, by, reason, requestKey],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ...{ stoppedFor: row.stopped_for, stoppedAt: row.stopped_at, resumedAt: row.resumed_at },
    ...{ reason: row.resumed_reason, isRepeat: row.is_repeat },
  };
}
