import type { Pool } from 'pg';
import { withTransaction, type Queryable, type Transaction } from './pool.js';
import { prepared } from './prepared.js';

/** A key that signs for the broker, or once did. Addresses are in lower case. */
interface BrokerKeyRow {
  generation: number;
  address: string;
  /** Unix seconds. */
  since: number;
  /** The introduction that the previous key signed; absent for the first key. */
  introduction?: string;
}

interface Row {
  generation: number;
  address: string;
  since: string | number;
  introduction: string | null;
}

/** All keys ever used, oldest first; the newest one signs. */
export async function brokerKeys(db: Queryable): Promise<BrokerKeyRow[]> {
  const { rows } = await db.query<Row>(
    prepared('select generation, address, since, introduction from broker_keys order by generation'),
  );
  return rows.map(({ generation, address, since, introduction }) => ({
    ...{ generation, address, since: Number(since) },
    ...(introduction === null ? {} : { introduction }),
  }));
}

/** The newest private key; undefined before the first one exists. */
export async function signingKey(db: Queryable): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ private_key: Buffer }>(
    prepared('select private_key from broker_keys order by generation desc limit 1'),
  );
  return rows[0]?.private_key;
}

/** Stores the first key, unless another process was faster. */
export async function keepFirstKey(
  db: Queryable,
  { address, privateKey, since }: { address: string; privateKey: Buffer; since: number },
): Promise<void> {
  await db.query(
    `insert into broker_keys (generation, address, private_key, since) values (1, $1, $2, $3) on conflict do nothing`,
    [address, privateKey, since],
  );
}

/**
 * Replaces the newest key and deletes its private key. Concurrent replacements run one after the other.
 *
 * @param next receives the newest private key.
 * @param also runs in the same transaction, with the address of the new key.
 */
export async function replaceKey(
  pool: Pool,
  next: (current: Buffer) => Promise<{ address: string; privateKey: Buffer; since: number; introduction: string }>,
  also: (tx: Transaction, address: string) => Promise<unknown>,
): Promise<void> {
  await withTransaction(pool, async (tx) => {
    await tx.query('lock table broker_keys in share row exclusive mode');
    const current = await signingKey(tx);
    if (current === undefined) throw new Error('there is no key that could introduce another one');
    const { address, privateKey, since, introduction } = await next(current);
    await tx.query('update broker_keys set private_key = null where private_key is not null');
    await tx.query(
      `insert into broker_keys (generation, address, private_key, since, introduction)
       select max(generation) + 1, $1, $2, $3, $4 from broker_keys`,
      [address, privateKey, since, introduction],
    );
    await also(tx, address);
  });
}
