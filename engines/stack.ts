import { mkdirSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { startAnvil, type AnvilOptions } from './anvil.js';
import { startGuardian } from './chain/guardian.js';
import { startChain, type ChainOptions } from './chain/engine.js';
import {
  addBrokerProcess,
  brokerEntryPoint,
  startBrokerProcesses,
  type AddedProcess,
  type BrokerProcess,
} from './broker.js';
import type { Endpoints, Engine, EngineContext } from './engine.js';
import { writeAtomically } from './files.js';
import { startKubernetes, type KubernetesOptions } from './kubernetes/control-plane.js';
import { LockHeld, takeLock } from './lock.js';
import { seconds, silent, type Log } from './log.js';
import { guardAgainstOrphans, reapOrphans } from './orphans.js';
import { Ports } from './ports.js';
import { startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { startImageRegistry, type ShownImage } from './registry.js';
import { Supervisor } from './supervisor.js';
import { startTemporal } from './temporal.js';
import { reachablePath } from './tools/unprivileged.js';

export type { Endpoints } from './engine.js';

/** What every broker needs. */
export const engineNames = ['postgres', 'redis', 'temporal', 'kubernetes'] as const;
/** A chain and a registry of images only where they are asked for. */
export type EngineName = (typeof engineNames)[number] | 'anvil' | 'registry';

export interface StackOptions {
  /**
   * The folder for everything the stack keeps: databases, certificates, ports, logs. A later start continues with it.
   */
  dataDir: string;
  /** Nobody needs the data folder afterwards: it goes when the stack is stopped, or when this process ends, however it does. */
  isTemporary?: boolean;
  /** What every broker needs, by default. */
  engines?: readonly EngineName[];
  /** The processes of the broker; none by default. */
  processes?: readonly BrokerProcess[];
  /** The broker's environment and the source of the tools' variables; this process's by default. */
  env?: NodeJS.ProcessEnv;
  log?: Log;
  kubernetes?: KubernetesOptions;
  /** Of the engine `anvil`, a chain with nothing on it. */
  anvil?: AnvilOptions;
  /** Starts that engine with a vault on it, where the broker settles. */
  chain?: ChainOptions;
  /** Starts the engine `registry`, where the broker finds these images and no others. */
  images?: readonly ShownImage[];
  /** Called when a process ends unexpectedly; it is restarted in any case. */
  died?: (name: string, how: string) => void;
}

export interface Stack {
  /** The contents of `endpoints.json`, with the current pids. */
  endpoints(): Endpoints;
  /** Stops everything in reverse order. The data folder stays, unless it is temporary. */
  stop(): Promise<void>;
  /**
   * Starts one more process of the broker, maybe of another build, and waits until it is ready. One that does not become
   * ready is started again and again until it is halted.
   *
   * @returns the address of its API, if it has one; clients sign for that of the stack.
   */
  add(name: string, added: AddedProcess): Promise<string | undefined>;
  /** Stops one process in an orderly way, restarts it and waits until it is ready. */
  restart(name: string): Promise<void>;
  /** Sends a signal (SIGKILL by default) to one process. If it dies, it is restarted on the same ports. */
  kill(name: string, signal?: NodeJS.Signals): void;
  /** Stops one process and leaves it stopped until `resume`. */
  halt(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Waits until a process answers its readiness check. */
  awaitReady(name: string): Promise<void>;
  /** Kills all processes at once, in no order. */
  killAll(): void;
}

/**
 * Starts the local stack: engines, then the broker, all bound to loopback on ports that stay the same for a data
 * folder. A process that dies is restarted. None outlives this process, even if it is killed.
 *
 * @throws ToolMissing when a program is not there and cannot be had; Error when something does not start, with the end
 * of its log, after everything that had started was stopped again.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = resolve(options.dataDir);
  requireAccount();
  const { processes = [], env = process.env, log = silent } = options;
  const engines = new Set<EngineName>(options.engines ?? engineNames);
  if (options.chain !== undefined) engines.add('anvil');
  if (options.images !== undefined) engines.add('registry');
  // Check before spending minutes on the engines.
  const main = processes.length === 0 ? '' : brokerEntryPoint(env);
  mkdirSync(dataDir, { recursive: true });
  const release = lockFolder(dataDir);
  const runFolder = join(dataDir, 'run');
  const endpointsFile = join(dataDir, 'endpoints.json');
  await reapOrphans(runFolder, log);
  rmSync(endpointsFile, { force: true });

  // Postgres may have its own elsewhere.
  const temporary = options.isTemporary === true ? [dataDir, reachablePath(dataDir)] : [];
  const guard = guardAgainstOrphans(runFolder, temporary);
  const endpoints: Omit<Endpoints, 'pids'> = {};
  let complete = false;
  const supervisor = new Supervisor({
    logFolder: join(dataDir, 'logs'),
    guard,
    log,
    changed: () => complete && write(),
    died: (name, how) => complete && options.died?.(name, how),
  });
  const ports = new Ports(join(dataDir, 'ports.json'));
  // In alphabetical order, whichever engine was ready first.
  const current = (): Endpoints => ({ ...sorted(endpoints), pids: sorted(supervisor.pids()) });
  const write = () => writeAtomically(endpointsFile, `${JSON.stringify(current(), null, 2)}\n`);
  const end = async () => {
    complete = false;
    await supervisor.stopAll();
    rmSync(endpointsFile, { force: true });
    for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
    guard.close();
    ports.release();
    release();
  };

  const context: EngineContext = { dataDir, ports, supervisor, log, env };
  const roleEnv: Record<string, string> = {};
  const workerEnv: NodeJS.ProcessEnv = {};
  try {
    const starters: Record<EngineName, () => Promise<Engine>> = {
      postgres: () => startPostgres(context),
      redis: () => startRedis(context),
      temporal: () => startTemporal(context),
      kubernetes: () => startKubernetes(context, options.kubernetes),
      registry: () => startImageRegistry(context, options.images ?? []),
      anvil: () => {
        const { anvil, chain } = options;
        return chain === undefined ? startAnvil(context, anvil) : startChain(context, chain);
      },
    };
    // The first failure ends it: nobody should wait minutes for a build to learn that Postgres is missing.
    await Promise.all(
      [...engines].map(async (name) => {
        const began = Date.now();
        const engine = await starters[name]();
        Object.assign(endpoints, engine.endpoints);
        Object.assign(roleEnv, engine.roleEnv);
        Object.assign(workerEnv, engine.workerEnv);
        log(`✓ ${name} ${seconds(Date.now() - began)}`);
      }),
    );
    const began = Date.now();
    Object.assign(endpoints, await startBrokerProcesses(context, main, processes, { roleEnv, workerEnv }));
    if (processes.length > 0) log(`✓ broker (${processes.join(', ')}) ${seconds(Date.now() - began)}`);
    if (options.chain?.isGuarded === true) Object.assign(endpoints, await guardian(context, endpoints, log));
  } catch (error) {
    await end();
    throw error;
  }
  complete = true;
  write();

  return {
    endpoints: current,
    stop: end,
    async add(name, added) {
      const { api, metrics } = await addBrokerProcess(context, name, added, { roleEnv, workerEnv });
      endpoints.metrics = { ...endpoints.metrics, [name]: metrics };
      write();
      return api;
    },
    async restart(name) {
      await supervisor.stop(name);
      await supervisor.resume(name);
    },
    kill: (name, signal) => supervisor.kill(name, signal),
    halt: (name) => supervisor.stop(name),
    resume: (name) => supervisor.resume(name),
    awaitReady: (name) => supervisor.awaitReady(name),
    killAll: () => supervisor.killAll(),
  };
}

/** @throws TypeError without an API: there it finds what explains a settlement. */
async function guardian(
  context: EngineContext,
  { api, chain, chain_id, vault }: Partial<Endpoints>,
  log: Log,
): Promise<Partial<Endpoints>> {
  if (api === undefined || chain === undefined || chain_id === undefined || vault === undefined)
    throw new TypeError('a guardian needs the role api, and a vault');
  const began = Date.now();
  const started = await startGuardian(context, { api, chain, chain_id, vault });
  log(`✓ guardian ${seconds(Date.now() - began)}`);
  return started;
}

function sorted<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}

function lockFolder(dataDir: string): () => void {
  try {
    return takeLock(join(dataDir, 'stack.lock'));
  } catch (error) {
    if (error instanceof LockHeld)
      throw new Error(`a stack already runs on ${dataDir} (process ${error.pid})`, { cause: error });
    throw error;
  }
}

/** Postgres and Temporal both look up their account, and fail with an obscure error if it has no entry. */
function requireAccount(): void {
  try {
    userInfo();
  } catch {
    throw new Error(
      `the account with uid ${process.getuid?.()} has no entry in /etc/passwd, which Postgres and Temporal need`,
    );
  }
}
