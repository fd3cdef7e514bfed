import type { Block, BlockKind, Blockable } from '../domain/blocks.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Queryable } from './pool.js';
import { removeOld } from './pruning.js';
import { prepared } from './prepared.js';
import { together } from './together.js';

/** A block with who set it. */
export interface KeptBlock extends Block {
  /** Wallet of the operator. */
  blockedBy: string;
  blockedAt: Date;
}

interface Row {
  kind: BlockKind;
  value: string;
  reason: string;
  until: Date | null;
  blocked_by: string;
  blocked_at: Date;
}

const columns = 'b.kind, b.value, b.reason, b.until, b.blocked_by, b.blocked_at';
const inForce = '(b.until is null or b.until > now())';

/** Whether the provider of the row `p` is not blocked. */
export const isUnblockedSql = `not exists (select from blocks b
  where b.kind = 'provider' and b.value = p.provider_id and ${inForce})`;

function blockOf(row: Row): KeptBlock {
  return {
    ...{ kind: row.kind, value: row.value, reason: row.reason, blockedBy: row.blocked_by, blockedAt: row.blocked_at },
    ...(row.until === null ? {} : { until: row.until }),
  };
}

/** The first of these that is blocked now, in their order; undefined if none is. */
export async function findBlockOf(db: Queryable, them: readonly Blockable[]): Promise<KeptBlock | undefined> {
  const { rows } = await db.query<Row>(
    prepared(`select ${columns} from unnest($1::text[], $2::text[]) with ordinality as t (kind, value, rank)
       join blocks b on b.kind = t.kind and b.value = t.value and ${inForce}
      order by t.rank limit 1`),
    [them.map(({ kind }) => kind), them.map(({ value }) => value)],
  );
  return rows[0] && blockOf(rows[0]);
}

/** The block of a provider that is blocked now. */
export const findBlockOfProvider = together(blocksOfProviders);

/** The same for several providers, in their order. */
export async function blocksOfProviders(
  db: Queryable,
  providerIds: readonly string[],
): Promise<(KeptBlock | undefined)[]> {
  const { rows } = await db.query<Row>(
    prepared(`select ${columns} from blocks b
      where b.kind = 'provider' and b.value = any ($1::text[]) and ${inForce}`),
    [providerIds],
  );
  const blocks = new Map(rows.map((row) => [row.value, blockOf(row)]));
  return providerIds.map((providerId) => blocks.get(providerId));
}

/** A block as it stands, even if its time is over. */
export async function findBlock(db: Queryable, { kind, value }: Blockable): Promise<KeptBlock | undefined> {
  const { rows } = await db.query<Row>(`select ${columns} from blocks b where b.kind = $1 and b.value = $2`, [
    kind,
    value,
  ]);
  return rows[0] && blockOf(rows[0]);
}

/**
 * All blocks, by kind and value.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listBlocks(
  db: Queryable,
  { kind, limit, cursor }: { kind?: BlockKind | undefined; limit: number; cursor?: string | undefined },
): Promise<{ blocks: KeptBlock[]; nextCursor?: string }> {
  const isShort = (part: string) => part.length <= 512;
  const [afterKind, afterValue] = cursor === undefined ? [] : decodeCursor(cursor, isShort, isShort);
  const { rows } = await db.query<Row>(
    `select ${columns} from blocks b
      where ($1::text is null or b.kind = $1) and ($2::text is null or (b.kind, b.value) > ($2, $3))
      order by b.kind, b.value limit $4`,
    [kind ?? null, afterKind ?? null, afterValue ?? null, limit + 1],
  );
  const blocks = rows.slice(0, limit).map(blockOf);
  const last = blocks.at(-1);
  return {
    blocks,
    ...(rows.length > limit && last !== undefined ? { nextCursor: encodeCursor(last.kind, last.value) } : {}),
  };
}

/** Blocks, or changes the reason and the time of what is blocked already. */
export async function setBlock(db: Queryable, block: Block & { blockedBy: string }): Promise<KeptBlock> {
  const { rows } = await db.query<Row>(
    `insert into blocks as b (kind, value, reason, until, blocked_by) values ($1, $2, $3, $4, $5)
     on conflict (kind, value) do update
       set reason = excluded.reason, until = excluded.until, blocked_by = excluded.blocked_by, blocked_at = now()
     returning ${columns}`,
    [block.kind, block.value, block.reason, block.until ?? null, block.blockedBy],
  );
  return blockOf(rows[0]!);
}

/** @returns false if there is no such block. */
export async function removeBlock(db: Queryable, { kind, value }: Blockable): Promise<boolean> {
  const { rowCount } = await db.query('delete from blocks where kind = $1 and value = $2', [kind, value]);
  return (rowCount ?? 0) > 0;
}

/** Removes blocks that ended before `before`. @returns how many. */
export async function pruneBlocks(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from blocks where (kind, value) in
       (select kind, value from blocks where until < $1 order by until limit $2)`,
    before,
  );
}
