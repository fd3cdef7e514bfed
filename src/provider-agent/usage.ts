import { readdirSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';

export interface Usage {
  /** Percent of all processors since the last reading. */
  cpu: number;
  /** Percent of the memory that is not free. */
  memory: number;
}

/** Creates a function that measures how busy the machine is. */
export function createUsageMeter(): () => Usage {
  let before = cpuTimes();
  return () => {
    const now = cpuTimes();
    const cpu = busyPercent(before, now);
    before = now;
    return { cpu, memory: percent(totalmem() - freemem(), totalmem()) };
  };
}

export interface CpuTimes {
  idle: number;
  total: number;
}

/** 0 when no time has passed or the counters were reset. */
export function busyPercent(before: CpuTimes, now: CpuTimes): number {
  const total = now.total - before.total;
  return total <= 0 ? 0 : percent(total - (now.idle - before.idle), total);
}

function cpuTimes(): CpuTimes {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}

/** One decimal, between 0 and 100. */
function percent(part: number, whole: number): number {
  return Math.round(Math.min(Math.max(part / whole, 0), 1) * 1_000) / 10;
}

/** Where the kubelet keeps the logs of each pod, in folders named `<namespace>_<pod>_<uid>`. */
const podLogs = '/var/log/pods';

/** How many customers' pods are on this machine; 0 when the folder cannot be read. */
export function countCustomerPods(folder = podLogs): number {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('tenant-')).length;
  } catch {
    return 0;
  }
}
