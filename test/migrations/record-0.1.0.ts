/**
 * `npm run database:0.1.0`: fills a database with the code of version 0.1.0, as its commit in this repository has it, and
 * keeps it as SQL beside this file. Needed once; the tests of the migrations begin from what stands there.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { createPool, type PostgresConfig } from '../../src/db/pool.js';
import { packageRoot } from '../../engines/paths.js';
import { startStack } from '../../engines/stack.js';
import { fill } from './fill-0.1.0.js';
import { keptDatabase } from './kept.js';

const commit = '3a126f1';

const folder = mkdtempSync(join(tmpdir(), 'broker-0.1.0-'));
const sources = join(folder, 'sources');
const stack = await startStack({ dataDir: join(folder, 'data'), engines: ['postgres'] });
try {
  checkOut(sources);
  const { hostname, port, username, password, pathname } = new URL(stack.endpoints().postgres!);
  const config: PostgresConfig = {
    POSTGRES_HOST: hostname,
    POSTGRES_PORT: Number(port),
    POSTGRES_DB: pathname.slice(1),
    POSTGRES_USER: username,
    POSTGRES_PASSWORD: password,
    POSTGRES_SSL_MODE: 'disable',
    POSTGRES_POOL_SIZE: 4,
  };
  const pool = createPool(config);
  try {
    await fill(pool, config, sources);
    writeFileSync(keptDatabase, `${schemaOf(sources)}${await rowsOf(pool)}`);
  } finally {
    await pool.end();
  }
} finally {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Runs on the packages of today, which its own imports find beside it. */
function checkOut(to: string): void {
  mkdirSync(to);
  const archive = execFileSync('git', ['archive', commit], { cwd: packageRoot, maxBuffer: 2 ** 30 });
  execFileSync('tar', ['-x', '-C', to], { input: archive });
  symlinkSync(join(packageRoot, 'node_modules'), join(to, 'node_modules'));
}

/** What its migrations say, so that nobody changes the past who changes one of them here. */
function schemaOf(checkout: string): string {
  const migrations = join(checkout, 'src', 'db', 'migrations');
  const texts = readdirSync(migrations)
    .sort()
    .map((file) => readFileSync(join(migrations, file), 'utf8').split('-- Down Migration')[0]!.trim());
  const applied = `create table schema_migrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);`;
  return `${texts.join('\n\n')}\n\n${applied}\n`;
}

/** Every row of every table as an `insert`, in the order in which the tables were made: none refers to a later one. */
async function rowsOf(pool: pg.Pool): Promise<string> {
  const client = await pool.connect();
  try {
    await client.query(`set timezone to 'UTC'`);
    const { rows: tables } = await client.query<{ name: string; columns: string[] }>(
      `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by c.oid, c.relname
        order by c.relname = 'schema_migrations', c.oid`,
    );
    let text = '';
    for (const { name, columns } of tables) {
      const values = columns.map((column) => `quote_nullable(${column}::text)`).join(` || ', ' || `);
      const { rows } = await client.query<{ row: string }>(`select ${values} as row from ${name} order by 1`);
      if (rows.length === 0) throw new Error(`no row was written to ${name}`);
      text += `\ninsert into ${name} (${columns.join(', ')}) values\n${rows.map(({ row }) => `  (${row})`).join(',\n')};\n`;
    }
    return `${text}select setval('schema_migrations_id_seq', (select max(id) from schema_migrations));\n`;
  } finally {
    client.release();
  }
}
