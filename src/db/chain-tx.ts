import type { Address, Hex } from 'viem';
import { bytesOf, hexOf } from './hex.js';
import type { Queryable } from './pool.js';

export type TxStatus = 'submitted' | 'mined' | 'final' | 'reverted' | 'lost';
/** What keeps a transaction from being mined, as far as an operator can do something about it. */
export type TxWait = 'gas' | 'coin';

/** Wei for a unit of gas. */
export type Fee = { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } | { gasPrice: bigint };

/** Who signs: one key on one chain has one sequence of nonces. */
export interface Signer {
  chainId: number;
  address: Address;
}

export interface ChainTx {
  purpose: string;
  to: Address;
  data: Hex;
  signer: Signer;
  nonce: number;
  gas: bigint;
  fee: Fee;
  /** Everything that was signed for the purpose, the last one at the end. */
  raw: readonly Hex[];
  hashes: readonly Hex[];
  status: TxStatus;
  block?: { number: bigint; hash: Hex };
  waitsFor?: TxWait;
  waitsSince?: Date;
  signedAt: Date;
  /** By the clock of the database. */
  signedAgoS: number;
}

/** Waits for whoever else signs with the key, until the transaction ends. */
export async function lockSigner(tx: Queryable, { chainId, address }: Signer): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('signer ' || $1::text || ' ' || $2, 0))`, [
    chainId,
    address.toLowerCase(),
  ]);
}

/** The nonce after all that the broker ever gave out; 0 before the first. */
export async function nonceAfterOurs(tx: Queryable, { chainId, address }: Signer): Promise<number> {
  const { rows } = await tx.query<{ next: number }>(
    'select coalesce(max(nonce) + 1, 0) as next from chain_tx where chain_id = $1 and signer = $2',
    [chainId, address.toLowerCase()],
  );
  return rows[0]!.next;
}

type NewTx = Pick<ChainTx, 'purpose' | 'to' | 'data' | 'signer' | 'nonce' | 'gas' | 'fee'> & {
  raw: Hex;
  hash: Hex;
};

/** Writes down what was signed for a purpose; for one that was lost or reverted, as its next attempt. */
export async function insertTx(tx: Queryable, { signer, fee, raw, hash, ...row }: NewTx): Promise<void> {
  await tx.query(
    `insert into chain_tx (purpose, chain_id, to_address, data, signer, nonce, gas, fee, raw, hashes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, array[$9::bytea], array[$10::text])
     on conflict (purpose) do update
       set nonce = excluded.nonce, gas = excluded.gas, fee = excluded.fee, to_address = excluded.to_address,
           data = excluded.data, signer = excluded.signer, chain_id = excluded.chain_id,
           raw = chain_tx.raw || excluded.raw, hashes = chain_tx.hashes || excluded.hashes,
           status = 'submitted', block_number = null, block_hash = null, waits_for = null, waits_since = null,
           signed_at = clock_timestamp()
     where chain_tx.status in ('lost', 'reverted')`,
    [
      ...[row.purpose, signer.chainId, row.to.toLowerCase(), bytesOf(row.data), signer.address.toLowerCase()],
      ...[row.nonce, row.gas.toString(), feeJson(fee), bytesOf(raw), hash],
    ],
  );
}

/** Adds a replacement with a higher fee, unless somebody was faster. */
export async function addReplacement(
  tx: Queryable,
  { purpose, hashes, fee, raw, hash }: { purpose: string; hashes: readonly Hex[]; fee: Fee; raw: Hex; hash: Hex },
): Promise<void> {
  await tx.query(
    `update chain_tx set raw = raw || $3::bytea, hashes = hashes || $4::text, fee = $5, signed_at = clock_timestamp(),
            waits_for = null, waits_since = null
      where purpose = $1 and status = 'submitted' and cardinality(hashes) = $2`,
    [purpose, hashes.length, bytesOf(raw), hash, feeJson(fee)],
  );
}

/** Writes down where a transaction is now. What is final stays as it is. */
export async function recordTx(
  db: Queryable,
  purpose: string,
  status: TxStatus,
  block?: { number: bigint; hash: Hex },
): Promise<void> {
  await db.query(
    `update chain_tx set status = $2, block_number = $3, block_hash = $4,
            waits_for = case when $2 = 'submitted' then waits_for end,
            waits_since = case when $2 = 'submitted' then waits_since end
      where purpose = $1 and status in ('submitted', 'mined')`,
    [purpose, status, block?.number.toString() ?? null, block?.hash ?? null],
  );
}

/** Writes down what a transaction waits for; undefined: nothing that an operator could do something about. */
export async function recordTxWait(db: Queryable, purpose: string, waitsFor: TxWait | undefined): Promise<void> {
  await db.query(
    `update chain_tx set waits_for = $2, waits_since = case when $2::text is null then null else clock_timestamp() end
      where purpose = $1 and waits_for is distinct from $2`,
    [purpose, waitsFor ?? null],
  );
}

export async function findTx(db: Queryable, purpose: string): Promise<ChainTx | undefined> {
  return (await selectTx(db, 'purpose = $1', [purpose]))[0];
}

/** What a signer has sent and nobody knows to have ended, in the order of nonces: none is mined before those before it. */
export async function openTx(db: Queryable, { chainId, address }: Signer): Promise<ChainTx[]> {
  const where = `chain_id = $1 and signer = $2 and status in ('submitted', 'mined')`;
  return await selectTx(db, where, [chainId, address.toLowerCase()]);
}

async function selectTx(db: Queryable, where: string, values: unknown[]): Promise<ChainTx[]> {
  const { rows } = await db.query<{
    [field: string]: unknown;
    data: Buffer;
    raw: Buffer[];
    hashes: Hex[];
    fee: Record<string, string>;
    block_number: number | null;
  }>(
    `select purpose, chain_id, to_address, data, signer, nonce, gas, fee, raw, hashes, status, block_number, block_hash,
            waits_for, waits_since, signed_at, extract(epoch from clock_timestamp() - signed_at)::float8 as signed_ago_s
       from chain_tx where ${where} order by nonce`,
    values,
  );
  return rows.map((row) => ({
    purpose: row['purpose'] as string,
    to: row['to_address'] as Address,
    data: hexOf(row.data),
    signer: { chainId: row['chain_id'] as number, address: row['signer'] as Address },
    nonce: row['nonce'] as number,
    gas: BigInt(row['gas'] as number),
    fee: feeOf(row.fee),
    raw: row.raw.map(hexOf),
    hashes: row.hashes,
    status: row['status'] as TxStatus,
    ...(row.block_number === null
      ? {}
      : { block: { number: BigInt(row.block_number), hash: row['block_hash'] as Hex } }),
    ...(row['waits_for'] === null
      ? {}
      : { waitsFor: row['waits_for'] as TxWait, waitsSince: row['waits_since'] as Date }),
    signedAt: row['signed_at'] as Date,
    signedAgoS: row['signed_ago_s'] as number,
  }));
}

function feeJson(fee: Fee): string {
  return JSON.stringify(fee, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function feeOf(fee: Record<string, string>): Fee {
  return 'gasPrice' in fee
    ? { gasPrice: BigInt(fee['gasPrice']) }
    : {
        maxFeePerGas: BigInt(fee['maxFeePerGas'] ?? 0),
        maxPriorityFeePerGas: BigInt(fee['maxPriorityFeePerGas'] ?? 0),
      };
}
