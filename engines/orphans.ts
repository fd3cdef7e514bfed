import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.js';
import { isSameProcess, processStart } from './process-identity.js';

/**
 * Waits until its standard input ends, which happens when the supervisor is gone for whatever reason, then kills the
 * processes in that supervisor's pid files, and removes the folders that it was given: that of these files, and what was
 * the supervisor's alone. What was killed may write there for another moment. It is a shell script, because a shell takes
 * a megabyte and exists on every machine.
 */
const watchdogScript = `
cat >/dev/null
all=
for file in "$1"/*.pid; do
  [ -f "$file" ] || continue
  read -r pid signal rest <"$file"
  kill -s "$signal" "$pid" 2>/dev/null && all="$all $pid"
done
tries=0
while [ -n "$all" ] && [ "$tries" -lt 15 ]; do
  left=
  for pid in $all; do kill -0 "$pid" 2>/dev/null && left="$left $pid"; done
  all=$left
  tries=$((tries + 1))
  [ -z "$all" ] || sleep 0.2
done
for pid in $all; do kill -s KILL "$pid" 2>/dev/null; done
tries=0
until rm -rf "$@" 2>/dev/null || [ "$tries" -ge 50 ]; do
  tries=$((tries + 1))
  sleep 0.2
done
`;

/** Records the running processes, so that none outlives its supervisor. */
export interface OrphanGuard {
  note(name: string, pid: number, stopSignal: NodeJS.Signals): void;
  forget(name: string): void;
  /** Ends the guard itself when nothing is running any more. */
  close(): void;
}

/**
 * Starts this supervisor's guard. Its notes are in a separate folder, so it never touches a successor's.
 *
 * @param temporary folders that are removed when this process is gone, however it ends, or when the guard is closed.
 */
export function guardAgainstOrphans(runFolder: string, temporary: readonly string[] = []): OrphanGuard {
  const folder = join(runFolder, randomUUID());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const watchdog = spawn('/bin/sh', ['-c', watchdogScript, 'stack-watchdog', folder, ...temporary], {
    // A process group of its own: Ctrl-C in the terminal is for the supervisor alone.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin.on('error', () => undefined);
  watchdog.unref();
  (watchdog.stdin as typeof watchdog.stdin & { unref(): void }).unref();
  return {
    note: (name, pid, stopSignal) =>
      writeFileSync(
        join(folder, `${name}.pid`),
        `${pid} ${stopSignal.replace(/^SIG/, '')} ${processStart(pid) ?? ''}\n`,
      ),
    forget: (name) => rmSync(join(folder, `${name}.pid`), { force: true }),
    close: () => watchdog.stdin.end(),
  };
}

/** Kills what an earlier supervisor left running, in case its watchdog was killed too. */
export async function reapOrphans(runFolder: string, log: Log): Promise<void> {
  let folders: string[];
  try {
    folders = readdirSync(runFolder);
  } catch {
    return;
  }
  const left: { name: string; pid: number; start: string; signal: NodeJS.Signals }[] = [];
  for (const folder of folders.map((name) => join(runFolder, name))) {
    let files: string[] = [];
    try {
      files = readdirSync(folder).filter((file) => file.endsWith('.pid'));
    } catch {
      // The watchdog has just removed it.
    }
    for (const file of files) {
      try {
        const [pid, signal, start = ''] = readFileSync(join(folder, file), 'utf8').trim().split(' ');
        left.push({ name: file.slice(0, -4), pid: Number(pid), start, signal: `SIG${signal}` as NodeJS.Signals });
      } catch {
        // As above.
      }
    }
  }
  const running = () => left.filter(({ pid, start }) => isSameProcess(pid, start));
  if (running().length > 0)
    log(
      `ending what is left of an earlier run: ${running()
        .map(({ name }) => name)
        .join(', ')}`,
    );
  for (const { pid, signal } of running()) send(pid, signal);
  for (const deadline = Date.now() + 3_000; running().length > 0 && Date.now() < deadline;) await sleep(50);
  for (const { pid } of running()) send(pid, 'SIGKILL');
  rmSync(runFolder, { recursive: true, force: true });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
