import type { Pool } from 'pg';

export type Row = Record<string, unknown>;

/** Every row of every table, by its table and key. */
export async function rowsOf(pool: Pool): Promise<Map<string, Row>> {
  const { rows: tables } = await pool.query<{ name: string; key: string[] }>(
    `select c.relname as name, array_agg(a.attname::text order by a.attname) as key
       from pg_class c join pg_index i on i.indrelid = c.oid and i.indisprimary
       join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
      where c.relnamespace = 'public'::regnamespace group by c.relname`,
  );
  const all = new Map<string, Row>();
  for (const { name, key } of tables) {
    const { rows } = await pool.query<{ row: Row }>(`select to_jsonb(t) as row from ${name} t`);
    for (const { row } of rows) all.set([name, ...key.map((column) => String(row[column]))].join(' '), row);
  }
  return all;
}

/** What is not as it was: `table key column` of a value, `table key` of a row that is gone. */
export function differences(before: ReadonlyMap<string, Row>, after: ReadonlyMap<string, Row>): string[] {
  return [...before].flatMap(([key, row]) => {
    const now = after.get(key);
    if (now === undefined) return [key];
    return Object.keys(row)
      .filter((column) => JSON.stringify(row[column]) !== JSON.stringify(now[column]))
      .map((column) => `${key} ${column}`);
  });
}

/** Tables, columns, constraints, indexes, triggers and functions, as text. */
export async function schemaOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) as line
       from information_schema.columns where table_schema = 'public'
     union all select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
       where connamespace = 'public'::regnamespace and contype <> 'n'
     union all select indexdef from pg_indexes where schemaname = 'public'
     union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
     union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
      order by 1`,
  );
  return rows.map(({ line }) => line);
}
