import type { Pool, QueryConfig } from 'pg';

/** A step of a plan, as Postgres explains it. */
export interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: Plan[];
}

/** Which of these tables a plan reads completely. */
export function scansOf(plan: Plan, growing: ReadonlySet<string>): string[] {
  const here =
    plan['Node Type'] === 'Seq Scan' && growing.has(plan['Relation Name'] ?? '') ? [plan['Relation Name']!] : [];
  return [...here, ...(plan.Plans ?? []).flatMap((part) => scansOf(part, growing))];
}

/** The indexes that a plan reads. */
export function indexesOf(plan: Plan): string[] {
  const here = plan['Index Name'] === undefined ? [] : [plan['Index Name']];
  return [...here, ...(plan.Plans ?? []).flatMap(indexesOf)];
}

/** Explains each statement instead of executing it, with the same values. */
export function explained(pool: Pool, plans: Plan[]) {
  return async (query: string | QueryConfig, values?: unknown[]) => {
    const { text, values: given = values } = typeof query === 'string' ? { text: query, values } : query;
    const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (format json) ${text}`,
      given as unknown[],
    );
    plans.push(rows[0]!['QUERY PLAN'][0].Plan);
    return { rows: [], rowCount: 0 };
  };
}
