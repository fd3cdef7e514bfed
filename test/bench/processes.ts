import { readdirSync, readFileSync } from 'node:fs';
import type { Stack } from '../../engines/stack.js';

const ticksPerSecond = 100;

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}

/** A process and its children; Postgres has one child for each connection. */
export function family(pid: number): number[] {
  const children = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && statOf(Number(name))?.[1] === String(pid),
  );
  return [pid, ...children.map(Number)];
}

/** Processor seconds of a family of processes; children that have ended count with their parent. */
export function cpuSeconds([parent, ...children]: readonly number[]): number {
  const ticks = (pid: number, fields: readonly number[]) => {
    const stat = statOf(pid);
    return fields.reduce((sum, field) => sum + Number(stat?.[field] ?? 0), 0);
  };
  // utime and stime, and those of reaped children.
  const own = [11, 12];
  const all = children.reduce((sum, pid) => sum + ticks(pid, own), ticks(parent!, [...own, 13, 14]));
  return all / ticksPerSecond;
}

/** Processor time by the name of a process: the broker’s and the engines’. */
export type CpuByProcess = ReadonlyMap<string, number>;

/** Processor seconds so far of all processes of a stack. */
export const stackCpu = (stack: Stack): CpuByProcess =>
  new Map(Object.entries(stack.endpoints().pids).map(([name, pid]) => [name, cpuSeconds(family(pid))]));

/** Milliseconds that each process has used since, for each of so many units of work. */
export function cpuMsSince(stack: Stack, before: CpuByProcess, units: number): CpuByProcess {
  return new Map([...stackCpu(stack)].map(([name, cpuS]) => [name, ((cpuS - (before.get(name) ?? 0)) * 1000) / units]));
}

export const sumOf = (cpu: CpuByProcess) => [...cpu.values()].reduce((sum, ms) => sum + ms, 0);

/** The processes that used a millisecond and more, the busiest first. */
export function shares(cpuMs: CpuByProcess): string {
  return [...cpuMs]
    .filter(([, ms]) => ms >= 1)
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`)
    .join(', ');
}

/** The fields of /proc/PID/stat after the name of the program; the parent is the second. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
