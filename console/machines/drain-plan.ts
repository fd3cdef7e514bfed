import type { ProviderJobs } from '../../src/client/types.generated.js';
import { chargeFor } from '../../src/wire/charge.js';
import { finalJobStatuses } from '../../src/wire/statuses.js';
import { unitsOf } from '../parts/exact.js';

type ProviderJob = Pick<ProviderJobs['jobs'][number], 'job_id' | 'status' | 'expires_at' | 'price_per_hour'>;

/** What a drain does to the jobs of a machine. */
export interface DrainPlan {
  /** Those that have not ended. */
  jobs: number;
  /** When the last one ends by itself; undefined while one has no end yet, or there is none. */
  lastEndsMs?: number;
  /** Jobs whose customers lose time that they had ordered, the longest first. */
  cutShort: { jobId: string; lostS: number }[];
  /** Base units that those jobs would have been charged until their own end. */
  forgone: bigint;
}

const ended: ReadonlySet<string> = new Set(finalJobStatuses);

/**
 * Without a deadline each job ends when it is due; with one, none goes on after it. A customer pays for what was served,
 * so what a deadline takes is time on one side and earnings on the other.
 *
 * @param deadlineS seconds from now; undefined for none.
 */
export function drainPlan(
  jobs: readonly ProviderJob[],
  { nowMs, deadlineS, decimals }: { nowMs: number; deadlineS?: number | undefined; decimals: number },
): DrainPlan {
  const active = jobs.filter(({ status }) => !ended.has(status));
  const ends = active.map(({ expires_at: end }) => (end === undefined ? NaN : Date.parse(end)));
  const lastEndsMs = ends.length === 0 ? NaN : Math.max(...ends);
  const deadlineMs = deadlineS === undefined ? Infinity : nowMs + deadlineS * 1000;
  const cut = active
    .map((job, at) => ({ job, lostS: Math.max(0, (ends[at]! - Math.max(nowMs, deadlineMs)) / 1000) }))
    .filter(({ lostS }) => lostS > 0)
    .sort((one, other) => other.lostS - one.lostS);
  return {
    jobs: active.length,
    ...(Number.isNaN(lastEndsMs) ? {} : { lastEndsMs }),
    cutShort: cut.map(({ job, lostS }) => ({ jobId: job.job_id, lostS })),
    forgone: cut.reduce(
      (total, { job, lostS }) =>
        total + chargeFor(unitsOf(job.price_per_hour ?? 0, decimals), Math.round(lostS * 1000)),
      0n,
    ),
  };
}
