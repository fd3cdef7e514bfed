import type { Queryable } from './pool.js';

/** What one statement removes at most; the next run finds the rest. */
export const rowsAtOnce = 5_000;

/**
 * Removes rows by their age, some thousands at a time.
 *
 * @param statement deletes rows from before $1, $2 of them at most, the oldest first.
 * @returns how many.
 */
export async function removeOld(db: Queryable, statement: string, before: Date): Promise<number> {
  const { rowCount } = await db.query(statement, [before, rowsAtOnce]);
  return rowCount ?? 0;
}
