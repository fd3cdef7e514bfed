import type { Job } from '../client/shapes.js';
import { clockText, momentText } from '../words/durations.js';
import { gpusText } from '../words/gpu-text.js';
import { priceText, type Money } from '../words/money.js';
import { shortIds } from '../words/short-ids.js';
import { jobState } from '../words/states.js';
import type { Column } from './terminal/table.js';

type Time = { nowMs: number; isUtc: boolean };

/** The columns of `wl ls`. */
export function jobColumns(jobs: readonly Job[], money: Money, time: Time): Column<Job>[] {
  const short = shortIds(jobs.map(({ job_id }) => job_id));
  const style = (job: Job) => jobState(job.status).style;
  return [
    { title: '', of: (job) => jobState(job.status).glyph, style },
    { title: 'NAME', of: (job) => job.job_name ?? '–', isText: true },
    { title: 'GPU', of: (job) => gpusText(job.gpu_count, job.gpu_model, job.gpu_type), isText: true, keep: 6 },
    { title: 'STATE', of: (job) => jobState(job.status).word, style },
    { title: 'COST', of: (job) => costText(job, money), align: 'right', keep: 5 },
    { title: `${money.symbol}/H`, of: (job) => priceText(job.price_per_hour), align: 'right', keep: 3 },
    { title: 'ENDS', of: (job) => endText(job, time), keep: 4 },
    { title: 'PROVIDER', of: (job) => job.provider_id ?? '–', isText: true, keep: 2 },
    { title: 'ID', of: (job) => short.get(job.job_id)! },
  ];
}

function costText(job: Job, money: Money): string {
  return job.cost === undefined || job.started_at === undefined ? '–' : money.amount(job.cost.spent);
}

function endText(job: Job, time: Time): string {
  if (job.ended_at !== undefined) return momentText(job.ended_at, time);
  if (job.expires_at === undefined || job.status !== 'running') return '–';
  // The broker's own count does not depend on this computer's clock.
  const at = job.ends_in_s === undefined ? job.expires_at : new Date(time.nowMs + job.ends_in_s * 1000).toISOString();
  return momentText(time.isUtc ? job.expires_at : at, time);
}

/** `in 2 h 52, at 21:51`. */
export function endSentence(job: Job, time: Time): string | undefined {
  if (job.expires_at === undefined) return undefined;
  return time.isUtc
    ? `at ${clockText(job.expires_at, time)}`
    : `${momentText(job.expires_at, time)}, at ${clockText(job.expires_at, time)}`;
}
