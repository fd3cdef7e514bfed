import type { Address, Hex } from 'viem';
import { bytesOf, hexOf } from './hex.js';
import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

type WithdrawalStatus = 'asked' | 'signed' | 'taken' | 'void';

/** Why a withdrawal ended without being taken. */
export type WithdrawalVoid =
  /** Its deadline passed. */
  | 'expired'
  /** Nobody could sign it in time. */
  | 'unsigned'
  /** The vault says something else of the wallet than it was asked for by: an exit, or a withdrawal that is not final. */
  | 'vault_differs'
  /** The key that the broker has is not the operator's any more. */
  | 'operator_changed';

export interface Withdrawal {
  id: string;
  wallet: Address;
  /** Base units. */
  amount: bigint;
  /** Units of the token. */
  cumulative: bigint;
  status: WithdrawalStatus;
  /** Seconds since 1970, by the time of the chain. */
  deadlineS?: number;
  signature?: Hex;
  voidReason?: WithdrawalVoid;
}

interface Row {
  id: string;
  wallet: Address;
  amount: string;
  cumulative: string;
  status: WithdrawalStatus;
  deadline_s: number | null;
  signature: Buffer | null;
  void_reason: WithdrawalVoid | null;
}

const columns = `id, wallet, amount::text, cumulative::text, status, extract(epoch from deadline)::float8 as deadline_s,
                 signature, void_reason`;

function withdrawalOf(row: Row): Withdrawal {
  return {
    ...{ id: row.id, wallet: row.wallet, amount: BigInt(row.amount), cumulative: BigInt(row.cumulative) },
    status: row.status,
    ...(row.deadline_s === null ? {} : { deadlineS: row.deadline_s }),
    ...(row.signature === null ? {} : { signature: hexOf(row.signature) }),
    ...(row.void_reason === null ? {} : { voidReason: row.void_reason }),
  };
}

async function selectOne(db: Queryable, where: string, values: unknown[]): Promise<Withdrawal | undefined> {
  const { rows } = await db.query<Row>(`select ${columns} from withdrawals where ${where}`, values);
  return rows[0] && withdrawalOf(rows[0]);
}

export const findWithdrawal = (db: Queryable, id: string) => selectOne(db, 'id = $1', [id]);

export const withdrawalByKey = (db: Queryable, requestKey: string) => selectOne(db, 'request_key = $1', [requestKey]);

/** The one that a wallet has not taken yet, and still can. */
export const openWithdrawal = (db: Queryable, { chainId, vault }: VaultId, wallet: string) =>
  selectOne(db, `chain_id = $1 and vault = $2 and wallet = $3 and status in ('asked', 'signed')`, [
    chainId,
    vault,
    wallet,
  ]);

export async function insertWithdrawal(
  tx: Queryable,
  { chainId, vault }: VaultId,
  asked: Pick<Withdrawal, 'wallet' | 'amount' | 'cumulative'> & { requestKey: string },
): Promise<Withdrawal> {
  const { rows } = await tx.query<Row>(
    `insert into withdrawals (chain_id, vault, wallet, amount, cumulative, request_key)
     values ($1, $2, $3, $4, $5, $6) returning ${columns}`,
    [chainId, vault, asked.wallet, asked.amount.toString(), asked.cumulative.toString(), asked.requestKey],
  );
  return withdrawalOf(rows[0]!);
}

/**
 * Fixes until when a withdrawal can be taken, once: whoever signs it later signs the same.
 *
 * @returns undefined when it has ended.
 */
export async function fixDeadline(db: Queryable, id: string, deadlineS: number): Promise<Withdrawal | undefined> {
  const { rows } = await db.query<Row>(
    `update withdrawals set deadline = coalesce(deadline, to_timestamp($2))
      where id = $1 and status in ('asked', 'signed') returning ${columns}`,
    [id, deadlineS],
  );
  return rows[0] && withdrawalOf(rows[0]);
}

/** Keeps the signature, which is the same whoever made it. */
export async function keepSignature(db: Queryable, id: string, signature: Hex): Promise<void> {
  await db.query(`update withdrawals set status = 'signed', signature = $2 where id = $1 and status = 'asked'`, [
    id,
    bytesOf(signature),
  ]);
}

/**
 * Ends a withdrawal. One whose deadline is fixed may have been signed by now, so nothing but its time, or the vault, ends
 * it.
 *
 * @returns false when it had ended before, or may be signed.
 */
export async function endWithdrawal(
  tx: Queryable,
  id: string,
  end: { status: 'taken' } | { status: 'void'; why: WithdrawalVoid },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update withdrawals set status = $2, void_reason = $3, ended_at = clock_timestamp()
      where id = $1 and status in ('asked', 'signed') and (deadline is null or $2 = 'taken' or $3 = 'expired')`,
    [id, end.status, end.status === 'void' ? end.why : null],
  );
  return rowCount === 1;
}

/** A withdrawal that nobody began to sign for so long is given back: minutes, by the clock of the database. */
const signedWithinMinutes = 15;

/**
 * Those that cannot be taken any more, oldest first.
 *
 * @param timeS of the last block whose events are booked: no later block has an earlier time.
 */
export async function overdueWithdrawals(
  db: Queryable,
  { chainId, vault }: VaultId,
  timeS: number,
): Promise<{ id: string; wallet: Address; why: WithdrawalVoid }[]> {
  const { rows } = await db.query<{ id: string; wallet: Address; is_signed: boolean }>(
    `select id, wallet, deadline is not null as is_signed from withdrawals
      where chain_id = $1 and vault = $2 and status in ('asked', 'signed')
        and case when deadline is null then asked_at < clock_timestamp() - make_interval(mins => $4)
                 else deadline < to_timestamp($3) end
      order by asked_at limit 1000`,
    [chainId, vault, timeS, signedWithinMinutes],
  );
  return rows.map(({ id, wallet, is_signed }) => ({ id, wallet, why: is_signed ? 'expired' : 'unsigned' }));
}

/** Whether there is anything to be held against the time of the chain. */
export async function hasOpenWithdrawals(db: Queryable, { chainId, vault }: VaultId): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from withdrawals where chain_id = $1 and vault = $2 and status in ('asked', 'signed') limit 1`,
    [chainId, vault],
  );
  return rowCount === 1;
}
