import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
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
  /** A signal to the process, when its output so far has these words. */
  signal?: readonly [when: string | RegExp, signal: NodeJS.Signals];
}

/** `wl` as a real process, with a home of its own. */
export interface Wl {
  /** The home of its user. */
  home: string;
  run(args: readonly string[], options?: RunOptions): Promise<Run>;
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
  return {
    home,
    run: (args, options = {}) => {
      const own = {
        ...{ PATH: process.env['PATH'] ?? '', HOME: home, LANG: 'C.UTF-8', TERM: 'xterm-256color', TZ: 'UTC' },
        ...{ WORLDLAND_CONFIG_DIR: join(home, 'config'), WORLDLAND_SSH_DIR: join(home, '.ssh') },
        ...env,
        ...options.env,
      };
      return run(program, args, own, options);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const testKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqn8V2nM1jkaJrgUdF2CyyKFBB4ZPPZ0Jb8xEA8Ej5O';

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

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  { columns, answers = [], input, signal }: RunOptions,
): Promise<Run> {
  const command = [process.execPath, program, ...args];
  const child =
    columns === undefined
      ? spawn(command[0]!, command.slice(1), { env })
      : spawn('script', ['-qfec', `stty rows 50 cols ${columns}; exec ${command.map(quoted).join(' ')}`, '/dev/null'], {
          env,
        });
  let [stdout, stderr] = ['', ''];
  const waiting = [...answers];
  let toSend = signal;
  const react = () => {
    const all = stdout + stderr;
    const next = waiting[0];
    if (next !== undefined && has(all, next[0])) {
      waiting.shift();
      child.stdin.write(next[1]);
    }
    if (toSend !== undefined && has(all, toSend[0])) {
      child.kill(toSend[1]);
      toSend = undefined;
    }
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    react();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    react();
  });
  child.stdin.on('error', () => undefined);
  if (columns === undefined && answers.length === 0) child.stdin.end(input ?? '');
  const clock = setTimeout(() => child.kill('SIGKILL'), limitMs);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, died) => {
      clearTimeout(clock);
      if (died === 'SIGKILL') reject(new Error(`wl ${args.join(' ')} did not end:\n${stdout}${stderr}`));
      else resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

function has(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The lines of a terminal as a person sees them: without colours, and what was written again only as it was last. */
export function shownLines(text: string): string[] {
  return (
    text
      // eslint-disable-next-line no-control-regex -- these are the escapes of a terminal
      .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, (escape) => (escape.endsWith('K') ? '\u0000' : ''))
      .split(/\r?\n/)
      .map((line) => line.split('\u0000').at(-1)!.split('\r').at(-1)!)
  );
}

/** A port that was free a moment ago: a broker has to know its own address before it listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
