import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seconds, type Log } from './log.js';
import type { OrphanGuard } from './orphans.js';

/** One process of the stack, with how to start it, recognize that it is ready, and stop it. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Resolves when the process serves; a rejection means "not yet", and it is called again. */
  ready: () => Promise<void>;
  readyTimeoutMs?: number;
  /** Asks the process to end in an orderly way; sends SIGTERM by default. */
  stopSignal?: NodeJS.Signals;
  /** How long an orderly end may take before SIGKILL. */
  stopTimeoutMs?: number;
}

const readyPollMs = 40;
const firstRestartMs = 100;
const slowestRestartMs = 5_000;
/** A process that has run this long counts as healthy again: its next death does not belong to a series. */
const healthyAfterMs = 10_000;
/** A larger log is renamed when its process starts. */
const largestLogBytes = 20 * 2 ** 20;

interface Running {
  spec: ProcessSpec;
  child: ChildProcess | undefined;
  /** False once the process should be stopped. */
  wanted: boolean;
  startedAt: number;
  deaths: number;
  exited: Promise<void>;
}

export interface SupervisorOptions {
  logFolder: string;
  guard: OrphanGuard;
  log: Log;
  /** Called when a process has a new pid, or none. */
  changed: () => void;
  /** Called when a process ends unexpectedly, before it is restarted. */
  died?: ((name: string, how: string) => void) | undefined;
}

/** Starts processes, restarts those that die, and stops all of them in reverse order. */
export class Supervisor {
  private readonly running = new Map<string, Running>();
  private closed = false;

  constructor(private readonly options: SupervisorOptions) {
    mkdirSync(options.logFolder, { recursive: true });
  }

  /**
   * Starts a process and waits until it is ready. One that dies first is restarted until its time is up.
   *
   * @throws Error with the end of its log.
   */
  async start(spec: ProcessSpec): Promise<void> {
    if (this.closed) throw new Error(`${spec.name} is not started: the stack is being stopped`);
    const began = Date.now();
    const entry: Running = {
      spec,
      child: undefined,
      wanted: true,
      startedAt: began,
      deaths: 0,
      exited: Promise.resolve(),
    };
    this.running.set(spec.name, entry);
    this.launch(entry);
    await this.untilReady(entry, began);
  }

  /** The pids of all running processes. */
  pids(): Record<string, number> {
    const pids: Record<string, number> = {};
    for (const [name, { child }] of this.running) if (child?.pid !== undefined) pids[name] = child.pid;
    return pids;
  }

  /** Sends a signal to a process; if the process dies, it is restarted as after any other death. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): void {
    const entry = this.entry(name);
    // A deliberate kill says nothing about the process's health, so it never counts towards a series of deaths.
    entry.deaths = 0;
    entry.child?.kill(signal);
  }

  /** Stops a process in an orderly way and leaves it stopped until `resume`. */
  async stop(name: string): Promise<void> {
    const entry = this.entry(name);
    entry.wanted = false;
    const { child, spec } = entry;
    if (child === undefined) return;
    child.kill(spec.stopSignal ?? 'SIGTERM');
    // A frozen process does not receive the signal.
    child.kill('SIGCONT');
    const late = setTimeout(() => child.kill('SIGKILL'), spec.stopTimeoutMs ?? 10_000);
    await entry.exited;
    clearTimeout(late);
  }

  /** Starts a stopped process and waits until it is ready. */
  async resume(name: string): Promise<void> {
    const entry = this.entry(name);
    if (!entry.wanted) {
      entry.wanted = true;
      entry.deaths = 0;
      this.launch(entry);
    }
    await this.untilReady(entry, Date.now());
  }

  /** Waits until a process answers, for example after it was killed. */
  async awaitReady(name: string): Promise<void> {
    await this.untilReady(this.entry(name), Date.now());
  }

  /** Stops everything, the last started first, and starts nothing more. */
  async stopAll(): Promise<void> {
    this.closed = true;
    const entries = [...this.running.values()].reverse();
    // First mark all as unwanted: a process must not be restarted because one that it needs has gone.
    for (const entry of entries) entry.wanted = false;
    for (const entry of entries) await this.stop(entry.spec.name);
  }

  /** Kills everything at once, for when no time is left. */
  killAll(): void {
    for (const entry of this.running.values()) {
      entry.wanted = false;
      entry.child?.kill('SIGKILL');
    }
  }

  private entry(name: string): Running {
    const entry = this.running.get(name);
    if (entry === undefined) throw new Error(`no process ${name}; there are: ${[...this.running.keys()].join(', ')}`);
    return entry;
  }

  private launch(entry: Running): ChildProcess {
    const { spec } = entry;
    const { guard, changed } = this.options;
    const output = openSync(this.logFile(spec.name), 'a');
    entry.startedAt = Date.now();
    const child = spawn(spec.command, spec.args, {
      env: spec.env ?? process.env,
      cwd: spec.cwd ?? '/',
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
      // A process group of its own: Ctrl-C in the terminal reaches only the supervisor, which then stops all in order.
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    entry.child = child;
    if (child.pid !== undefined) guard.note(spec.name, child.pid, spec.stopSignal ?? 'SIGTERM');
    let over: () => void;
    entry.exited = new Promise<void>((resolve) => (over = resolve));
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      entry.child = undefined;
      guard.forget(spec.name);
      if (entry.wanted) this.startAgain(entry, how);
      over();
      changed();
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    changed();
    return child;
  }

  private startAgain(entry: Running, how: string): void {
    const { log, died } = this.options;
    const { name } = entry.spec;
    died?.(name, how);
    entry.deaths = Date.now() - entry.startedAt > healthyAfterMs ? 1 : entry.deaths + 1;
    const delayMs = Math.min(firstRestartMs * 2 ** (entry.deaths - 1), slowestRestartMs);
    log(`✗ ${name} ended (${how}); it is started again in ${seconds(delayMs)}`);
    setTimeout(() => {
      // Stopped meanwhile, and maybe started again.
      if (!entry.wanted || entry.child !== undefined) return;
      const began = Date.now();
      const child = this.launch(entry);
      this.untilReady(entry, began).then(
        // Only the successful attempt logs.
        () =>
          entry.child === child &&
          log(`✓ ${name} is back after ${seconds(Date.now() - began)}, pid ${child.pid ?? '?'}`),
        // The death that caused it has already been logged; the next attempt is on its way.
        () => undefined,
      );
    }, delayMs);
  }

  private async untilReady(entry: Running, began: number): Promise<void> {
    const { spec } = entry;
    const timeoutMs = spec.readyTimeoutMs ?? 60_000;
    for (;;) {
      const child = entry.child;
      try {
        if (child !== undefined) {
          await spec.ready();
          // The answer counts only if it came from this process.
          if (entry.child === child) return;
        }
      } catch {
        // Not yet.
      }
      if (!entry.wanted) throw new Error(`${spec.name} was stopped before it was ready`);
      if (Date.now() - began > timeoutMs) {
        throw new Error(
          `${spec.name} is not ready after ${seconds(timeoutMs)}. The end of its log:\n${this.logTail(spec.name)}`,
        );
      }
      if (entry.deaths >= 5)
        throw new Error(`${spec.name} does not start. The end of its log:\n${this.logTail(spec.name)}`);
      await sleep(readyPollMs);
    }
  }

  private logFile(name: string): string {
    const path = join(this.options.logFolder, `${name}.log`);
    if (existsSync(path) && statSync(path).size > largestLogBytes) renameSync(path, `${path}.1`);
    return path;
  }

  private logTail(name: string): string {
    try {
      return readFileSync(join(this.options.logFolder, `${name}.log`), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-15)
        .join('\n');
    } catch {
      return '(no log)';
    }
  }
}
