import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { connectionOptions } from '../../src/db/pool.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { growDatabase } from '../support/grown-database.js';
import { argumentsOf, excused, readsHistory } from '../support/statement-arguments.js';
import { readingPool, type ReadStatement } from '../support/read-rows.js';

/**
 * Every function of src/db that runs statements is called on a database with much history, and the rows are counted that its
 * statements read. Arguments are found by the names of parameters; a function with others says how it is called, or why
 * it is not.
 */
const folder = new URL('../../src/db/', import.meta.url).pathname;
const jobs = 60_000;
/** Half of what the wallet and the machine with the longest history have. */
const most = 3_000;

/** Tables that grow with what has happened, as opposed to the fleet and to what is under way. */
const growing = [
  ...['jobs', 'allocations', 'auth_charges', 'auth_sessions', 'job_events', 'job_logs', 'join_tokens'],
  ...['ledger_entries', 'ledger_lines', 'receipts', 'provider_registrations', 'provider_samples', 'provider_failures'],
  ...['audit_log', 'market_samples', 'receipt_signatures', 'wallet_months', 'batch_lines', 'chain_tx', 'withdrawals'],
];

type Statement = (...given: unknown[]) => unknown;

const found: [string, Statement][] = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'pool.ts')) {
  const module = (await import(join(folder, file))) as Record<string, unknown>;
  for (const [name, value] of Object.entries(module)) {
    if (typeof value === 'function' && /\((db|tx|pool)\b/.test(value.toString().split('\n')[0]!)) {
      found.push([name, value as Statement]);
    }
  }
}

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  const client = new pg.Client(connectionOptions(database.config));
  await client.connect();
  await growDatabase(client, { providers: 200, jobs, openJobs: 200 });
  await client.end();
}, 600_000);
afterAll(() => database?.close());

/** Calls it, and takes back what it did. */
async function statementsOf(name: string, statement: Statement): Promise<ReadStatement[]> {
  const client = await database.pool.connect();
  const read: ReadStatement[] = [];
  let failure: Error | undefined;
  try {
    await client.query('begin');
    const pool = readingPool(client, read);
    await Promise.resolve(statement(pool, ...argumentsOf(name, statement.toString()))).catch(
      (error: Error) => (failure = error),
    );
  } finally {
    await client.query('rollback');
    client.release();
  }
  // It may refuse what it was asked for, after it has looked.
  if (read.length === 0) throw failure ?? new Error(`${name} ran no statement`);
  return read;
}

const walked = found.filter(([name]) => !(name in excused));

test.each(walked)('%s does not take longer for what has long happened', async (name, statement) => {
  const read = await statementsOf(name, statement);
  const tooMany = read.flatMap(({ text, rows }) =>
    growing.flatMap((table) => ((rows.get(table) ?? 0) > most ? [`${rows.get(table)} rows of ${table}: ${text}`] : [])),
  );
  if (name in readsHistory) expect(tooMany).not.toEqual([]);
  else expect(tooMany).toEqual([]);
});

test('every function that is excused, or may read history, still exists', () => {
  const names = new Set(found.map(([name]) => name));
  expect(Object.keys({ ...excused, ...readsHistory }).filter((name) => !names.has(name))).toEqual([]);
});
