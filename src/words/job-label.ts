import type { Job } from '../client/shapes.js';
import { clean } from './clean.js';
import { shortIds } from './short-ids.js';

/** What a person calls a job: its name, else the last letters of its id. */
export function jobLabel(job: Job, among: readonly Job[] = [job]): string {
  return clean(job.job_name ?? '') || shortIds(among.map(({ job_id }) => job_id)).get(job.job_id) || job.job_id;
}

/** Why a job failed: in the words of its machine, where there are any, and by its code. */
export function failureText(job: Job): string {
  const words = clean(job.failure_message ?? '');
  return words === '' ? clean(job.failure_reason!) : `${words} (${clean(job.failure_reason!)})`;
}
