import type { PoolClient, QueryConfig } from 'pg';

/** A step of a plan that was executed. */
interface ExecutedStep {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: ExecutedStep[];
}

/** How many rows of which tables a plan has read, those that it then left out included. */
function rowsRead(step: ExecutedStep, into: Map<string, number>): void {
  const table = step['Relation Name'];
  if (table !== undefined && step['Node Type'] !== 'ModifyTable') {
    const each =
      step['Actual Rows'] + (step['Rows Removed by Filter'] ?? 0) + (step['Rows Removed by Index Recheck'] ?? 0);
    into.set(table, (into.get(table) ?? 0) + each * step['Actual Loops']);
  }
  for (const part of step.Plans ?? []) rowsRead(part, into);
}

/** A statement that was executed, and how many rows of each table it read. */
export interface ReadStatement {
  text: string;
  rows: ReadonlyMap<string, number>;
}

const isExplained = /^\s*(select|with|insert|update|delete|\()/i;

/**
 * A pool, client and transaction of which each statement is explained and then executed for real, so that a function gets to
 * its last statement. Nothing is kept: its transactions are parts of the one that `client` is in.
 */
export function readingPool(client: PoolClient, read: ReadStatement[]) {
  const run = async (text: string, values: unknown[] | undefined) => {
    await client.query('savepoint statement');
    try {
      return await client.query(text, values);
    } catch (error) {
      await client.query('rollback to savepoint statement');
      throw error;
    }
  };
  const query = async (asked: string | QueryConfig, given?: unknown[]) => {
    const { text, values = given } = typeof asked === 'string' ? { text: asked, values: given } : asked;
    if (/^(begin|commit|rollback)/i.test(text)) return { rows: [], rowCount: 0 };
    if (isExplained.test(text)) {
      const { rows } = await run(`explain (analyze, timing off, format json) ${text}`, values as unknown[]);
      await client.query('rollback to savepoint statement');
      const counts = new Map<string, number>();
      rowsRead((rows[0] as { 'QUERY PLAN': [{ Plan: ExecutedStep }] })['QUERY PLAN'][0].Plan, counts);
      read.push({ text, rows: counts });
    }
    return await run(text, values as unknown[]);
  };
  const held = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  return { ...held, connect: () => Promise.resolve(held) };
}
