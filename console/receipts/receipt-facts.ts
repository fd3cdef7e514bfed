import { shortDuration } from '../parts/times.js';
import { WorldLandError } from '../../src/client/index.js';
import type { Receipt } from '../../src/client/types.generated.js';

export type ReceiptMessage = Receipt['typed_data']['message'];

/**
 * Whoever asks for the receipt of a job wants no other one, however right that is in itself.
 *
 * @throws WorldLandError `protocol`
 */
export function requireOfJob(receipt: Receipt, jobId: string): Receipt {
  const { jobId: given } = receipt.typed_data.message;
  if (given.toLowerCase() === jobId.toLowerCase()) return receipt;
  const detail = 'the broker answered with the receipt of another job';
  throw new WorldLandError('protocol', detail, { data: { field: 'jobId', asked: jobId, proposed: given } });
}

/** One line of how a receipt is worked out: what, from which figures, and what comes out. Base units and milliseconds. */
export interface WorkedLine {
  what: 'billed' | 'charged' | 'fee' | 'earned';
  how: string;
  result: string;
}

/** How its figures follow from each other, as they are signed, so that a pocket calculator suffices. */
export function workedLines(message: ReceiptMessage): WorkedLine[] {
  const { readyAtMs, servedUntilMs, billedMs, ratePerHour, charged, feeBps, fee, earned, revision } = message;
  const missedMs = missedIn(message);
  const gaps = missedMs === 0 ? '' : ` − ${missedMs}`;
  return [
    { what: 'billed', how: `${servedUntilMs} − ${readyAtMs}${gaps}`, result: String(billedMs) },
    {
      what: 'charged',
      how: `${ratePerHour} × ${billedMs} ÷ 3600000${revision === 0 ? '' : ', less what was given back'}`,
      result: charged,
    },
    { what: 'fee', how: `${charged} × ${feeBps} ÷ 10000`, result: fee },
    { what: 'earned', how: `${charged} − ${fee}`, result: earned },
  ];
}

/** For how long the machine did not serve it. */
export function missedIn({ gaps }: Pick<ReceiptMessage, 'gaps'>): number {
  return gaps.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** `5 %`, `2.75 %` of hundredths of a percent. */
export function percentOf(bps: number): string {
  const whole = Math.trunc(bps / 100);
  const rest = String(bps % 100).padStart(2, '0');
  const digits = rest.replace(/0+$/, '');
  return `${whole}${digits === '' ? '' : `.${digits}`} %`;
}

/** `2 h 5 min`, and below a minute to the millisecond that is paid for: `19.585 s`. */
export function billedText(ms: number): string {
  if (ms >= 60_000) return shortDuration(ms / 1_000);
  const parts = String(ms % 1_000)
    .padStart(3, '0')
    .replace(/0+$/, '');
  return `${Math.trunc(ms / 1_000)}${parts === '' ? '' : `.${parts}`} s`;
}

const noWallet = /^0x0{40}$/;
const noDigest = /^0x0{64}$/;

/** Whether a wallet had proven to own the machine. */
export const hasPayee = ({ payee }: Pick<ReceiptMessage, 'payee'>) => !noWallet.test(payee);

/** The digest of the receipt before it; undefined for the first one of a wallet. */
export const previousOf = ({ previous }: Pick<ReceiptMessage, 'previous'>) =>
  noDigest.test(previous) ? undefined : previous;

/** What was rented, in words: `2 × NVIDIA H100, 8 cores, 32 GB of memory, 100 GB of disk`. */
export function resourcesText(resources: string): string {
  const read = record(resources);
  if (read === undefined) return resources;
  const count = (name: string) => (typeof read[name] === 'number' ? read[name] : undefined);
  const [gpus, cores, memoryMb, disk] = ['gpu_count', 'cpu_cores', 'memory_mb', 'storage_gb'].map(count);
  const model = typeof read['gpu_model'] === 'string' ? read['gpu_model'] : 'GPU';
  return [
    ...(gpus === undefined || gpus === 0 ? [] : [`${gpus} × ${model}`]),
    ...(cores === undefined ? [] : [`${cores} ${cores === 1 ? 'core' : 'cores'}`]),
    ...(memoryMb === undefined ? [] : [`${Math.round((memoryMb / 1024) * 10) / 10} GB of memory`]),
    ...(disk === undefined ? [] : [`${disk} GB of disk`]),
  ].join(', ');
}

function record(text: string): Record<string, unknown> | undefined {
  try {
    const parsed = JSON.parse(text) as unknown;
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
