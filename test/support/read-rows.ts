import type { PoolClient, QueryConfig } from 'pg';
import { poolOf } from './pool-of-transaction.js';

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
 *
 * A prepared statement is explained twice: as planned for these values, and as planned once for all values, which Postgres
 * chooses from the sixth time on if it believes that to be as good.
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
  const explain = async (shown: string, statement: string, values: unknown[] | undefined) => {
    const { rows } = await run(`explain (analyze, timing off, format json) ${statement}`, values);
    await client.query('rollback to savepoint statement');
    const counts = new Map<string, number>();
    rowsRead((rows[0] as { 'QUERY PLAN': [{ Plan: ExecutedStep }] })['QUERY PLAN'][0].Plan, counts);
    read.push({ text: shown, rows: counts });
  };
  /** Values for an `execute`, which takes no parameters. */
  const literals = async (values: readonly unknown[] = []) => {
    if (values.length === 0) return '';
    const quoted = values.map((_, index) => `quote_nullable($${index + 1}::text)`);
    const { rows } = await client.query<{ list: string }>(`select concat_ws(', ', ${quoted.join(', ')}) as list`, [
      ...values,
    ]);
    return `(${rows[0]!.list})`;
  };
  const query = async (asked: string | QueryConfig, given?: unknown[]) => {
    const { name, text, values = given } = typeof asked === 'string' ? { text: asked, values: given } : asked;
    if (isExplained.test(text)) {
      await explain(text, text, values as unknown[]);
      if (name !== undefined) {
        await client.query(`set local plan_cache_mode = force_generic_plan; prepare generic as ${text}`);
        await explain(
          `with one plan for all values: ${text}`,
          `execute generic ${await literals(values as unknown[])}`,
          undefined,
        );
        await client.query('reset plan_cache_mode; deallocate generic');
      }
    }
    return await run(text, values as unknown[]);
  };
  return poolOf({ query } as unknown as PoolClient);
}
