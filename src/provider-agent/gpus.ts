import { printable } from '../domain/outside.js';
import type { GpuReading } from './gpu-reading.js';
import type { Gpu } from './messages.js';
import { createPartitionReader } from './partitions.js';
import { runProgram } from './program.js';

/** The name comes last because it alone may contain a comma. */
const fields = ['index', 'uuid', 'pci.bus_id', 'memory.total', 'utilization.gpu', 'driver_version', 'name'] as const;

/** A GPU that has fallen off its bus can block the driver for a long time. */
const timeoutMs = 15_000;

/** How the driver marks a listed GPU as unusable. An unknown utilization alone does not make a GPU unusable. */
const unusable = /is lost|requires reset/i;
const unknown = /unknown error|^\[?ERR!?\]?$/i;

/**
 * Creates a function that queries this machine's driver. Each MIG partition counts as a GPU. While a query hangs, no
 * other is started: they would pile up.
 */
export function createGpuReader(answerTimeoutMs = timeoutMs): (signal?: AbortSignal) => Promise<GpuReading> {
  const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  const nothing = { gpus: [], usage: [], problems: [] };
  let hangs = false;
  let ending: AbortSignal | undefined;
  const ask = async (args: string[]) => {
    hangs = true;
    return await runProgram('nvidia-smi', args, {
      timeoutMs: answerTimeoutMs,
      onExit: () => (hangs = false),
      ...(ending === undefined ? {} : { signal: ending }),
    });
  };
  const readParts = createPartitionReader(async (args) => {
    const asked = await ask(args);
    return hangs ? undefined : asked;
  });
  return async (signal) => {
    if (hangs) return { ...nothing, problems: ['nvidia-smi hangs'], hasDriver: true, failed: true };
    ending = signal;
    const asked = await ask(query);
    if (asked === undefined) {
      hangs = false;
      return { ...nothing, hasDriver: false, failed: false };
    }
    const { code, stdout, stderr } = asked;
    const read = parseGpuQuery(stdout);
    const problems = [...read.problems, ...linesOf(stderr)];
    if (hangs) problems.push('nvidia-smi hangs');
    // When one GPU is lost, some drivers exit with an error and still list the others.
    const failed = code !== 0 && read.gpus.length === 0;
    if (failed && problems.length === 0) problems.push(`nvidia-smi failed with exit code ${code}`);
    if (failed || hangs) return { ...read, problems, hasDriver: true, failed };
    return { hasDriver: true, ...(await readParts({ ...read, problems })) };
  };
}

/** The newest CUDA version that the driver supports; '' when unknown. No `--query-gpu` field has it. */
export async function readCudaVersion(): Promise<string> {
  const asked = await runProgram('nvidia-smi', [], { timeoutMs });
  return parseCudaVersion(asked?.stdout ?? '');
}

export function parseCudaVersion(text: string): string {
  return /CUDA Version\s*:\s*(\d+(?:\.\d+)*)/.exec(text)?.[1] ?? '';
}

/**
 * Parses the output of `nvidia-smi --query-gpu` for `fields`. Every line that is not a usable GPU becomes a problem.
 */
export function parseGpuQuery(text: string): Pick<GpuReading, 'gpus' | 'usage' | 'problems'> {
  const found: { gpu: Gpu; usage: number }[] = [];
  const problems: string[] = [];
  for (const line of linesOf(text)) {
    if (/^no devices were found$/i.test(line)) continue;
    const words = line.split(',').map((word) => word.trim());
    const [index = '', uuid = '', pciBusId = '', memory = '', usage = '', driverVersion = '', ...name] = words;
    if (!/^\d{1,4}$/.test(index) || !/^GPU-[\w-]+$/.test(uuid) || name.length === 0) {
      problems.push(line);
      continue;
    }
    if ([pciBusId, memory, usage].some((value) => unusable.test(value)) || unknown.test(memory)) {
      problems.push(`GPU ${index} cannot be used: ${line}`);
      continue;
    }
    const gpu: Gpu = {
      index: Number(index),
      name: said(name.join(', ')).slice(0, 128) || 'GPU',
      memoryMb: Math.round(numberIn(memory)),
      uuid,
      driverVersion: said(driverVersion).slice(0, 64),
      cudaVersion: '',
      pciBusId: said(pciBusId),
    };
    found.push({ gpu, usage: Math.min(numberIn(usage), 100) });
  }
  found.sort((a, b) => a.gpu.index - b.gpu.index);
  return { gpus: found.map(({ gpu }) => gpu), usage: found.map(({ usage }) => usage), problems };
}

/** Turns `[N/A]`, `[Not Supported]` and the like into ''. Names of cards can be written by whoever sold them. */
function said(value: string): string {
  return /^\[.*\]$/.test(value) || value === 'N/A' ? '' : (printable(value, 256) ?? '');
}

/** 0 when the driver gives no number. Some drivers print the unit in spite of `nounits`. */
function numberIn(value: string): number {
  const number = /^\d+(?:\.\d+)?(?= ?(?:MiB|%)?$)/.exec(value)?.[0];
  return number === undefined ? 0 : Number(number);
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => printable(line) ?? '')
    .filter((line) => line !== '');
}
