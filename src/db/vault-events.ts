import type { Address, Hex } from 'viem';
import { jobsEndBeforeExitS } from '../domain/exit-margin.js';
import type { Queryable } from './pool.js';

/** A vault on a chain. */
export interface VaultId {
  chainId: number;
  vault: Address;
}

/** An event of a vault in a block that is final. Numbers are units of the token, as texts. */
export interface VaultEvent {
  txHash: Hex;
  logIndex: number;
  block: number;
  blockHash: Hex;
  name: string;
  args: Readonly<Record<string, string>>;
}

/** How far the events were read. */
export interface Cursor {
  block: number;
  blockHash: Hex;
}

export async function readVaultCursor(db: Queryable, { chainId, vault }: VaultId): Promise<Cursor | undefined> {
  const { rows } = await db.query<{ block: number; block_hash: Hex }>(
    'select block, block_hash from chain_cursor where chain_id = $1 and vault = $2',
    [chainId, vault],
  );
  return rows[0] === undefined ? undefined : { block: rows[0].block, blockHash: rows[0].block_hash };
}

/**
 * Moves the cursor on, and keeps others from doing so until the transaction ends.
 *
 * @returns false when another process has moved it meanwhile.
 */
export async function moveVaultCursor(
  tx: Queryable,
  { chainId, vault }: VaultId,
  from: Cursor | undefined,
  to: Cursor,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into chain_cursor (chain_id, vault, block, block_hash) values ($1, $2, $3, $4)
     on conflict (chain_id, vault) do update
       set block = excluded.block, block_hash = excluded.block_hash, read_at = clock_timestamp()
     where chain_cursor.block = $5`,
    [chainId, vault, to.block, to.blockHash, from?.block ?? null],
  );
  return rowCount === 1;
}

/** @returns those that were not known before, in their order. */
export async function insertVaultEvents(
  tx: Queryable,
  { chainId, vault }: VaultId,
  events: readonly VaultEvent[],
): Promise<VaultEvent[]> {
  const { rows } = await tx.query<{ tx_hash: Hex; log_index: number }>(
    `insert into chain_events (chain_id, vault, tx_hash, log_index, block_number, block_hash, name, args)
     select $1, $2, e.tx_hash, e.log_index, e.block_number, e.block_hash, e.name, e.args
       from jsonb_to_recordset($3) as e (tx_hash text, log_index integer, block_number bigint, block_hash text, name text,
                                         args jsonb)
     on conflict do nothing returning tx_hash, log_index`,
    [
      chainId,
      vault,
      JSON.stringify(
        events.map(({ txHash, logIndex, block, blockHash, name, args }) => ({
          ...{ tx_hash: txHash, log_index: logIndex, block_number: block, block_hash: blockHash, name, args },
        })),
      ),
    ],
  );
  const added = new Set(rows.map((row) => `${row.tx_hash} ${row.log_index}`));
  return events.filter(({ txHash, logIndex }) => added.has(`${txHash} ${logIndex}`));
}

/** What the vault has of a wallet, by its events. Base units. */
export interface WalletInVault {
  deposited: bigint;
  withdrawn: bigint;
  /** Of the deposits: not booked yet, because it is too little. */
  waiting: bigint;
  cap: bigint;
  /** When the wallet may take out everything. */
  exitAt?: Date;
  /** When its jobs end because of that. */
  jobsEndAt?: Date;
}

/** Adds to what the vault has of a wallet. @returns what of its deposits waits then. */
export async function changeWalletInVault(
  tx: Queryable,
  { chainId, vault }: VaultId,
  wallet: string,
  change: { deposited?: bigint; withdrawn?: bigint; waiting?: bigint; cap?: bigint },
): Promise<bigint> {
  const { deposited = 0n, withdrawn = 0n, waiting = 0n, cap = 0n } = change;
  const { rows } = await tx.query<{ waiting: string }>(
    `insert into chain_wallets as w (chain_id, vault, wallet, deposited, withdrawn, waiting, cap)
     values ($1, $2, $3, $4, $5, greatest($6::numeric, 0), $7)
     on conflict (chain_id, vault, wallet) do update
       set deposited = w.deposited + $4, withdrawn = w.withdrawn + $5, waiting = w.waiting + $6,
           cap = greatest(w.cap, $7)
     returning waiting::text`,
    [chainId, vault, wallet, deposited.toString(), withdrawn.toString(), waiting.toString(), cap.toString()],
  );
  return BigInt(rows[0]!.waiting);
}

/** As vaults have it where money is real; until a worker has read that of its vault. */
const usualExitDelayS = 7 * 86_400;

/**
 * Writes down that a wallet may take out everything from `exitAtS` on, and when its jobs end because of that: 48 hours
 * before, or half the delay of the exit if that is less.
 *
 * @param exitAtS undefined when it has taken it, or called that off.
 */
export async function setExit(
  tx: Queryable,
  { chainId, vault }: VaultId,
  wallet: string,
  exitAtS: number | undefined,
): Promise<void> {
  await tx.query(
    `insert into chain_wallets as w (chain_id, vault, wallet, exit_at, jobs_end_at)
     select $1, $2, $3, to_timestamp($4), to_timestamp($4 - least($5, delay_s / 2))
       from (select coalesce((select exit_delay_s from vaults where chain_id = $1 and vault = $2), $6::bigint)
                    ::float8 as delay_s) d
     on conflict (chain_id, vault, wallet) do update set exit_at = excluded.exit_at, jobs_end_at = excluded.jobs_end_at`,
    [chainId, vault, wallet, exitAtS ?? null, jobsEndBeforeExitS, usualExitDelayS],
  );
}

export async function walletInVault(
  db: Queryable,
  { chainId, vault }: VaultId,
  wallet: string,
): Promise<WalletInVault> {
  const { rows } = await db.query<{
    deposited: string;
    withdrawn: string;
    waiting: string;
    cap: string;
    exit_at: Date | null;
    jobs_end_at: Date | null;
  }>(
    `select deposited::text, withdrawn::text, waiting::text, cap::text, exit_at, jobs_end_at
       from chain_wallets where chain_id = $1 and vault = $2 and wallet = $3`,
    [chainId, vault, wallet],
  );
  const row = rows[0];
  if (row === undefined) return { deposited: 0n, withdrawn: 0n, waiting: 0n, cap: 0n };
  return {
    ...{ deposited: BigInt(row.deposited), withdrawn: BigInt(row.withdrawn), waiting: BigInt(row.waiting) },
    cap: BigInt(row.cap),
    ...(row.exit_at === null ? {} : { exitAt: row.exit_at }),
    ...(row.jobs_end_at === null ? {} : { jobsEndAt: row.jobs_end_at }),
  };
}

/** What settlements that were executed have drawn of a wallet in all, in units of the token. */
export async function drawnOf(db: Queryable, { chainId, vault }: VaultId, wallet: string): Promise<bigint> {
  const { rows } = await db.query<{ drawn: string }>(
    `select coalesce(max(l.cumulative), 0)::text as drawn
       from batch_lines l
       join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch
      where l.wallet = $3 and l.side = 'draw' and l.chain_id = $1 and l.vault = $2 and b.status = 'final'`,
    [chainId, vault, wallet],
  );
  return BigInt(rows[0]?.drawn ?? 0);
}

/** What is drawn of a wallet in all once the settlement that is under way is executed, in units of the token. */
export async function toBeDrawnOf(db: Queryable, { chainId, vault }: VaultId, wallet: string): Promise<bigint> {
  const { rows } = await db.query<{ drawn: string }>(
    `select coalesce(max(l.cumulative), 0)::text as drawn
       from batch_lines l
       join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch
      where l.wallet = $3 and l.side = 'draw' and l.chain_id = $1 and l.vault = $2 and b.status <> 'void'`,
    [chainId, vault, wallet],
  );
  return BigInt(rows[0]!.drawn);
}

/** Units of the token that the vault should hold by its events up to a block. */
export interface HeldUnits {
  block: number;
  units: bigint;
}

/**
 * Units of the token that the vault should hold, by its events up to a block that was read; undefined before the first,
 * which its deployment makes.
 *
 * @param before what was found at an earlier block: only events after it are added then. They are never changed.
 */
export async function unitsInVault(
  db: Queryable,
  { chainId, vault }: VaultId,
  block: number,
  before: HeldUnits | undefined,
): Promise<HeldUnits | undefined> {
  const known = before !== undefined && before.block <= block ? before : { block: -1, units: 0n };
  const { rows } = await db.query<{ units: string; has_events: boolean }>(
    `select coalesce(sum(case name when 'Deposited' then 1 else -1 end * (args ->> 'amount')::numeric), 0)::text as units,
            (select name from chain_events where chain_id = $1 and vault = $2
              order by block_number, log_index limit 1) is not null as has_events
       from chain_events
      where chain_id = $1 and vault = $2 and block_number > $3 and block_number <= $4
        and name in ('Deposited', 'Withdrawn', 'EarningsWithdrawn', 'FeesSwept')`,
    [chainId, vault, known.block, block],
  );
  return rows[0]!.has_events ? { block, units: known.units + BigInt(rows[0]!.units) } : undefined;
}

/** The hash that was proposed under a number, by the events that are known. */
export async function proposedHash(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: number,
): Promise<string | undefined> {
  const { rows } = await db.query<{ hash: string }>(
    `select args ->> 'hash' as hash from chain_events
      where chain_id = $1 and vault = $2 and name = 'BatchProposed' and args ->> 'number' = $3`,
    [chainId, vault, String(number)],
  );
  return rows[0]?.hash;
}

export interface Incoming {
  txHash: Hex;
  logIndex: number;
  wallet: string;
  /** Base units. */
  amount: bigint;
  block: number;
}

/** Replaces what is seen and not final. */
export async function replaceIncoming(
  tx: Queryable,
  { chainId, vault }: VaultId,
  seen: readonly Incoming[],
): Promise<void> {
  await tx.query('delete from chain_incoming where chain_id = $1 and vault = $2', [chainId, vault]);
  await tx.query(
    `insert into chain_incoming (chain_id, vault, tx_hash, log_index, wallet, amount, block_number)
     select $1, $2, * from unnest($3::text[], $4::int[], $5::text[], $6::numeric[], $7::bigint[]) on conflict do nothing`,
    [
      ...[chainId, vault, seen.map(({ txHash }) => txHash), seen.map(({ logIndex }) => logIndex)],
      ...[seen.map(({ wallet }) => wallet), seen.map(({ amount }) => amount.toString())],
      seen.map(({ block }) => block),
    ],
  );
}
