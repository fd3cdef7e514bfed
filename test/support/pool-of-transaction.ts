import type { PoolClient } from 'pg';
import type { Database } from '../../src/db/pool.js';

/** Stands in for a pool inside a transaction that is rolled back: transactions that begin in it are parts of it. */
export function poolOf(client: Pick<PoolClient, 'query'>): Database {
  const query = (asked: unknown, values?: unknown[]) => {
    if (typeof asked === 'string' && /^(begin|commit|rollback)/.test(asked)) return Promise.resolve({ rows: [] });
    return client.query(asked as string, values);
  };
  const held = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  return { ...held, connect: () => Promise.resolve(held) } as unknown as Database;
}
