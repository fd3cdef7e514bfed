import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { roles } from '../../src/config.js';
import { startStack, type Stack } from '../../src/engines/stack.js';

/** Limits that keep customers apart would be what is measured. */
const unlimited = {
  RATE_LIMIT_PER_IP: '10000000',
  RATE_LIMIT_READS: '10000000',
  RATE_LIMIT_WRITES: '10000000',
  RATE_LIMIT_JOBS: '10000000',
  MAX_JOBS_PER_WALLET: '100000',
  MAX_GPUS_PER_WALLET: '100000',
  LOG_LEVEL: 'warn',
};

/** A fresh stack of engines and broker in a temporary folder; `run` gets it, and it is gone afterwards. */
export async function withBenchStack(
  env: Record<string, string>,
  run: (stack: Stack, dataDir: string) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-bench-'));
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      dataDir,
      roles,
      env: { ...process.env, ...unlimited, ...env },
      log: (line) => console.error(line),
    });
    await run(stack, dataDir);
  } finally {
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}

/** Processor seconds that a process has used so far, its own and the kernel's for it. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The value below which a share of the sorted values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Prints rows as a table in Markdown, so that it can be kept as it is. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const all = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  console.log(line(head));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of all.slice(1)) console.log(line(row));
}

/** Does `total` things, `width` of them at a time. */
export async function spread(total: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < total) await work(next++);
    }),
  );
}
