import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Engine, EngineContext } from './engine.js';
import { writeAtomically } from './files.js';
import { findPostgres, type PostgresTools } from './tools/postgres.js';
import { run } from './tools/run.js';
import { isReachable, reachableFolder, unprivilegedAccount, type Account } from './tools/unprivileged.js';

const user = 'postgres';
const database = 'worldland';

/**
 * Settings of a development server. A commit waits for the write to the log (synchronous_commit stays on, so
 * acknowledged commits survive a SIGKILL), but nothing waits for the disk: only a crash of the machine can lose data,
 * and then the local stack is recreated.
 */
const settings = {
  listen_addresses: '127.0.0.1',
  // Loopback only: a socket's path may be too long below a deep data folder.
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'on',
  max_wal_size: '512MB',
  log_min_duration_statement: '250ms',
  log_line_prefix: '%m [%p] ',
};

/**
 * Postgres with a database for the broker. It refuses to run as root, so root runs it under an account without rights.
 */
export async function startPostgres({ dataDir, ports, supervisor, log, env }: EngineContext): Promise<Engine> {
  const account = unprivilegedAccount();
  const folder = clusterFolder(dataDir, account);
  const version = join(folder, 'PG_VERSION');
  const major = existsSync(version) ? Number(readFileSync(version, 'utf8')) : undefined;
  const [tools, port] = await Promise.all([findPostgres(log, { major, account, env }), ports.take('postgres')]);
  const password = await initialise(tools, folder, join(dataDir, 'postgres.password'), account);
  const as = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  const connection = (name: string) => ({
    host: '127.0.0.1',
    port,
    user,
    password,
    database: name,
    connectionTimeoutMillis: 2_000,
  });

  await supervisor.start({
    name: 'postgres',
    command: tools.postgres,
    args: [
      '-D',
      folder,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: { ...process.env, ...tools.env },
    cwd: folder,
    ...as,
    // "Fast" shutdown: ends sessions instead of waiting for them.
    stopSignal: 'SIGINT',
    ready: () => withClient(connection('postgres'), async (client) => void (await client.query('select 1'))),
  });
  await withClient(connection('postgres'), async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  });
  return {
    endpoints: { postgres: `postgres://${user}:${password}@127.0.0.1:${port}/${database}` },
    roleEnv: {
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(port),
      POSTGRES_DB: database,
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_SSL_MODE: 'disable',
    },
  };
}

/** The database's folder: below the data folder, or elsewhere if the account cannot reach it there. */
function clusterFolder(dataDir: string, account: Account | undefined): string {
  const below = join(dataDir, 'postgres');
  if (account === undefined || isReachable(below, account)) return below;
  return join(reachableFolder(dataDir), 'postgres');
}

/** Creates the database cluster unless it exists, and returns the superuser's password. */
async function initialise(
  tools: PostgresTools,
  folder: string,
  passwordFile: string,
  account: Account | undefined,
): Promise<string> {
  // A cluster whose creation was interrupted has no password file yet: create it again.
  if (existsSync(join(folder, 'PG_VERSION')) && existsSync(passwordFile))
    return readFileSync(passwordFile, 'utf8').trim();
  const password = randomBytes(18).toString('base64url');
  const handed = `${folder}.initial-password`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  writeFileSync(handed, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) for (const path of [folder, handed]) chownSync(path, account.uid, account.gid);
  try {
    await run(
      tools.initdb,
      // Every account of the machine can use loopback, so a password is required even here.
      ['-D', folder, '-U', user, '-A', 'scram-sha-256', `--pwfile=${handed}`, '-E', 'UTF8', '--locale=C', '--no-sync'],
      {
        cwd: folder,
        env: { ...process.env, ...tools.env },
        ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
      },
    );
  } finally {
    rmSync(handed, { force: true });
  }
  writeAtomically(passwordFile, `${password}\n`);
  return password;
}

async function withClient(config: pg.ClientConfig, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(config);
  // The server may disappear between two statements; the next statement's rejection reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
