import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { silent, type Log } from '../../engines/log.js';
import { findDeploymentFiles } from '../../engines/tools/deployment-files.js';

/** One instruction, as `engines/go/deployment-files` prints it. */
export interface Step {
  kind: string;
  words?: string[];
  from?: string;
  sources?: string[];
  destination?: string;
  value?: string;
  variables?: Record<string, string>;
}
export interface Stage {
  name: string;
  base: string;
  steps: Step[];
}
export interface Dockerfile {
  /** The warnings of the builder's linter. */
  warnings: string[];
  stages: Stage[];
}

/** @throws Error if it is malformed, or copies files that are missing or that .dockerignore leaves out. */
export async function readDockerfile(file: string, context: string): Promise<Dockerfile> {
  const { path } = await findDeploymentFiles(silent);
  const { stdout } = await promisify(execFile)(path, ['dockerfile', file, context]);
  return JSON.parse(stdout) as Dockerfile;
}

/** The contents of a container of the last stage. */
export interface Image {
  /** The working directory, on this machine. */
  folder: string;
  env: Record<string, string>;
  command: string[];
}

/**
 * Runs a Dockerfile step by step in folders instead of containers: its copies, and its commands with this machine's
 * programs. Each stage has only its own folder.
 *
 * @param path the folders of programs, instead of this process's own.
 */
export async function followDockerfile(
  { stages }: Dockerfile,
  context: string,
  work: string,
  path: string,
  log: Log,
): Promise<Image> {
  const ignored = readFileSync(join(context, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const wanted = (path: string) =>
    !ignored.some((entry) => `${relative(context, path)}/`.startsWith(`${entry}/`) && path.startsWith(context));
  const rootOf = (at: number) => join(work, String(at));
  let image: Image = { folder: '', env: {}, command: [] };
  for (const [at, { steps }] of stages.entries()) {
    const root = rootOf(at);
    image = { folder: root, env: {}, command: [] };
    mkdirSync(root, { recursive: true });
    for (const step of steps) {
      if (step.kind === 'WORKDIR') mkdirSync((image.folder = join(root, step.value!)), { recursive: true });
      if (step.kind === 'ENV') Object.assign(image.env, step.variables);
      if (step.kind === 'CMD') image.command = step.words!;
      if (step.kind === 'RUN') await run(step.words!.join(' '), path, image, log);
      if (step.kind === 'COPY') {
        const from = step.from === undefined ? context : rootOf(stages.findIndex(({ name }) => name === step.from));
        const into = step.destination!.startsWith('/')
          ? join(root, step.destination!)
          : resolve(image.folder, step.destination!);
        const isFolder = step.destination!.endsWith('/') || step.sources!.length > 1;
        for (const source of step.sources!.map((path) => join(from, path))) {
          const target = isFolder && statSync(source).isFile() ? join(into, basename(source)) : into;
          cpSync(source, target, {
            recursive: true,
            verbatimSymlinks: true,
            ...(from === context ? { filter: wanted } : {}),
          });
        }
      }
    }
  }
  return image;
}

async function run(command: string, path: string, { folder, env }: Image, log: Log): Promise<void> {
  log(command);
  const { NODE_OPTIONS: _, ...own } = process.env;
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env: { ...own, PATH: path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`${command}: exit ${String(code)}\n${said.slice(-2_000)}`);
}
