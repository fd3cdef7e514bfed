import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { searchAttributes } from '../workflows/search-attributes.js';
import type { Engine, EngineContext } from './engine.js';
import { packageRoot } from './paths.js';
import { answersOk } from './probe.js';
import { findTemporal } from './tools/temporal.js';

const namespace = 'default';
/** The broker would make it, and wait until the server knows it. */
const upkeep = `${namespace}-upkeep`;

/** Temporal's development server and UI on a SQLite file, durable, with the dynamic configuration of production. */
export async function startTemporal({ dataDir, ports, supervisor, log, env }: EngineContext): Promise<Engine> {
  const tool = await findTemporal(log, env);
  const port = await ports.take('temporal');
  const uiPort = await ports.take('temporal-ui');
  const httpPort = await ports.take('temporal-http');
  const folder = join(dataDir, 'temporal');
  mkdirSync(folder, { recursive: true });
  await supervisor.start({
    name: 'temporal',
    command: tool.path,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
      ...['--http-port', String(httpPort), '--metrics-port', String(await ports.take('temporal-metrics'))],
      ...[
        '--namespace',
        namespace,
        '--namespace',
        upkeep,
        '--db-filename',
        join(folder, 'temporal.db'),
        '--log-level',
        'warn',
      ],
      // Durable, yet as fast as in memory: without the write-ahead log, every step waits for the disk.
      ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
      ...dynamicConfig().flatMap((value) => ['--dynamic-config-value', value]),
      ...Object.values(searchAttributes).flatMap(({ name, type }) => [
        '--search-attribute',
        `${name}=${valueType(type)}`,
      ]),
    ],
    // Otherwise the CLI would read and write profiles in the user's home folder.
    env: { ...process.env, ...tool.env, TEMPORAL_ENV_FILE: join(folder, 'env.yaml') },
    cwd: folder,
    ready: () => answersOk(`http://127.0.0.1:${httpPort}/api/v1/namespaces/${namespace}`),
  });
  return {
    endpoints: {
      temporal: `127.0.0.1:${port}`,
      temporal_namespace: namespace,
      temporal_ui: `http://127.0.0.1:${uiPort}`,
    },
    roleEnv: {
      TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_UI_URL: `http://127.0.0.1:${uiPort}`,
    },
  };
}

/** Converts `KEYWORD_LIST` to the command line's `KeywordList`. */
function valueType(type: string): string {
  return type.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The values of the production file as `key=value`. The real server parses YAML; this only understands the file's plain
 * form and rejects anything else instead of silently dropping a value.
 */
function dynamicConfig(): string[] {
  const file = join(packageRoot, 'temporal-config/dynamicconfig.yaml');
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const values: string[] = [];
  for (let i = 0; i < lines.length; i += 2) {
    const key = /^([\w.]+):$/.exec(lines[i]!)?.[1];
    const value = /^ {2}- value: (\S+)$/.exec(lines[i + 1] ?? '')?.[1];
    if (key === undefined || value === undefined)
      throw new Error(`${file}: expected "key:" and "  - value: …", found ${lines[i]}`);
    values.push(`${key}=${value}`);
  }
  return values;
}
