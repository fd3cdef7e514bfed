import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../engines/paths.js';
import { findOnPath } from '../../engines/tools/tool.js';

/** What a run of `wl` left behind. */
export interface Run {
  code: number;
  /** On a pseudo-terminal, everything is here, as the terminal got it. */
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Columns: runs it on a pseudo-terminal of that width. */
  columns?: number;
  /** What is written to it, and when its output so far has these words. */
  answers?: readonly (readonly [when: string | RegExp, text: string])[];
  /** Everything it reads, if it is no terminal. */
  input?: string;
}

export interface Started {
  ended: Promise<Run>;
  /** Waits until it has shown this; answers all that it has shown so far. */
  shows(wanted: string | RegExp): Promise<string>;
  write(text: string): void;
  kill(signal: NodeJS.Signals): void;
}

/** `wl` as a real process, with a home of its own. */
export interface Wl {
  /** The home of its user. */
  home: string;
  run(args: readonly string[], options?: RunOptions): Promise<Run>;
  /** For a run that the test talks to. */
  start(args: readonly string[], options?: Pick<RunOptions, 'env' | 'columns'>): Started;
  remove(): void;
}

/** Util-linux' `script` is what makes a pseudo-terminal without another dependency. */
export const missingForTerminal = findOnPath('script', process.env) === undefined ? 'the program script' : undefined;

const limitMs = 60_000;

/** Bundles `wl` as the package has it, once for a file of tests, and runs it. */
export async function startWl(env: Record<string, string> = {}): Promise<Wl> {
  const folder = mkdtempSync(join(tmpdir(), 'wl-'));
  const program = await bundled(join(folder, 'package'));
  const home = join(folder, 'home');
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, '.ssh', 'id_ed25519.pub'), `${testKey} me@laptop\n`);
  const start = (args: readonly string[], options: Pick<RunOptions, 'env' | 'columns'> = {}) => {
    const own = {
      ...{ PATH: process.env['PATH'] ?? '', HOME: home, LANG: 'C.UTF-8', TERM: 'xterm-256color', TZ: 'UTC' },
      ...{ WORLDLAND_CONFIG_DIR: join(home, 'config'), WORLDLAND_SSH_DIR: join(home, '.ssh') },
      ...env,
      ...options.env,
    };
    return started([process.execPath, program, ...args], own, options.columns);
  };
  return {
    home,
    start,
    async run(args, { answers = [], input, columns, ...options } = {}) {
      const child = start(args, { ...options, ...(columns === undefined ? {} : { columns }) });
      if (columns === undefined && answers.length === 0) child.close(input ?? '');
      for (const [when, text] of answers) {
        const isThere = await Promise.race([child.shows(when).then(() => true), child.ended.then(() => false)]);
        if (!isThere) break;
        child.write(text);
      }
      return await child.ended;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const testKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqn8V2nM1jkaJrgUdF2CyyKFBB4ZPPZ0Jb8xEA8Ej5O';

async function bundled(folder: string): Promise<string> {
  await build({
    entryPoints: { wl: join(packageRoot, 'src/cli/main.ts') },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20', outdir: folder },
    outExtension: { '.js': '.mjs' },
    // Commander is CommonJS, which asks for Node's own modules by `require`.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
    logLevel: 'error',
  });
  cpSync(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  return join(folder, 'wl.mjs');
}

function started(command: readonly string[], env: Record<string, string>, columns: number | undefined) {
  const child =
    columns === undefined
      ? spawn(command[0]!, command.slice(1), { env })
      : spawn('script', ['-qfec', `stty rows 50 cols ${columns}; exec ${command.map(quoted).join(' ')}`, '/dev/null'], {
          env,
        });
  let [stdout, stderr] = ['', ''];
  let waiting: (() => void)[] = [];
  // The process may be over before its last words have arrived.
  let isOver = false;
  const news = () => waiting.splice(0).forEach((look) => look());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    news();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    news();
  });
  // It may have ended before it read everything.
  child.stdin.on('error', () => undefined);
  const clock = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, died) => {
      clearTimeout(clock);
      isOver = true;
      news();
      if (died === 'SIGKILL') reject(new Error(`${command.slice(2).join(' ')} did not end:\n${stdout}${stderr}`));
      else resolve({ code: code ?? -1, stdout, stderr });
    });
  });
  // Whoever waits for a text learns of a failure from that.
  ended.catch(() => undefined);
  return {
    ended,
    async shows(wanted: string | RegExp) {
      while (!has(stdout + stderr, wanted)) {
        if (isOver) throw new Error(`ended without ${String(wanted)}:\n${stdout}${stderr}`);
        await new Promise<void>((look) => (waiting = [...waiting, look]));
      }
      return stdout + stderr;
    },
    write: (text: string) => void child.stdin.write(text),
    close: (text: string) => void child.stdin.end(text),
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
  };
}

function has(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The lines of a terminal as a person sees them: without colours, and what was written again only as it was last. */
export function shownLines(text: string): string[] {
  return text
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, (escape) => (escape.endsWith('K') ? '\u0000' : ''))
    .split(/\r?\n/)
    .map((line) => line.split('\u0000').at(-1)!.split('\r').at(-1)!);
}
