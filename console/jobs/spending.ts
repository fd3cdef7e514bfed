import type { Job } from '../../src/client/shapes.js';
import { chargeFor } from '../../src/wire/charge.js';

/** What is needed to count on from the figures of a reading. */
export interface Counted {
  job: Job;
  /** When it was read, by the broker's clock. */
  readAtMs: number;
}

const units = /^\d{1,90}$/;

/**
 * What a job has cost by now, in base units. Between two readings the page counts on by the job's own rate, and never
 * beyond what is reserved; while its machine is away, nothing is paid.
 */
export function spentNow({ job, readAtMs }: Counted, nowMs: number): bigint {
  const { cost, status, phase } = job;
  if (cost === undefined || !units.test(cost.spent)) return 0n;
  const spent = BigInt(cost.spent);
  const isServed = status === 'running' && phase !== 'provider_away';
  const rate = rateOf(cost);
  if (!isServed || rate === undefined) return spent;
  const untilMs = job.expires_at === undefined ? nowMs : Math.min(nowMs, Date.parse(job.expires_at));
  const seconds = Math.max(0, Math.floor((untilMs - readAtMs) / 1000));
  const now = spent + chargeFor(rate, Number.isFinite(seconds) ? seconds * 1000 : 0);
  const most = units.test(cost.reserved) ? BigInt(cost.reserved) : 0n;
  return most > 0n && now > most ? (most > spent ? most : spent) : now;
}

/** What an hour costs, in base units: exactly, or as it is counted by the second; undefined before it has a price. */
export function rateOf(cost: Job['cost']): bigint | undefined {
  const { rate_per_hour: rate = '', per_second: perSecond = '' } = cost ?? {};
  if (units.test(rate)) return BigInt(rate);
  return units.test(perSecond) ? BigInt(perSecond) * 3_600n : undefined;
}

/** What a job costs in all if it runs to its end: what is reserved, and after the end what it did cost. */
export function costInAll({ cost }: Job): bigint | undefined {
  if (cost === undefined) return undefined;
  const reserved = units.test(cost.reserved) ? BigInt(cost.reserved) : 0n;
  return reserved > 0n ? reserved : units.test(cost.spent) ? BigInt(cost.spent) : 0n;
}

/** The part of the rented time that is over, between 0 and 1; undefined for a job that does not run. */
export function partOver({ started_at: from, expires_at: to }: Job, nowMs: number): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  if (!(end > start)) return undefined;
  return Math.min(1, Math.max(0, (nowMs - start) / (end - start)));
}

const shownDecimals = 4;

/** An amount that counts up while one looks, with as many decimals as it takes to see that: `1.1304`. */
export function countingFigure(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).slice(0, shownDecimals);
  return `${whole}.${fraction.padEnd(shownDecimals, '0')}`;
}
