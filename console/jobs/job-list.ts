import { isFinal } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { finalJobStatuses } from '../../src/wire/statuses.js';

/** Which jobs a list shows; it stands in the address. */
export const shows = ['active', 'ended', 'failed', 'all'] as const;
export type Show = (typeof shows)[number];

export function readShow(text: string | null): Show {
  return shows.find((show) => show === text) ?? 'active';
}

/** As the API filters; undefined: not at all. */
export function statusesOf(show: Show): string | readonly string[] | undefined {
  switch (show) {
    case 'active':
      return 'active';
    case 'ended':
      return finalJobStatuses;
    case 'failed':
      return ['failed', 'provider_lost'];
    case 'all':
      return undefined;
  }
}

export function isShown({ status }: Pick<Job, 'status'>, show: Show): boolean {
  switch (show) {
    case 'active':
      return !isFinal(status);
    case 'ended':
      return isFinal(status);
    case 'failed':
      return status === 'failed' || status === 'provider_lost';
    case 'all':
      return true;
  }
}

/**
 * A list after one of its jobs was read anew, newest first. A job that has just ended stays in the list of active ones
 * until the list is read again, so that nobody wonders where it went.
 *
 * @param isWhole whether there is no further page: else what is older than all that is shown comes with that page.
 */
export function withJob<T extends { job: Job }>(jobs: readonly T[], one: T, show: Show, isWhole: boolean): T[] {
  const { job_id: id } = one.job;
  const at = jobs.findIndex(({ job }) => job.job_id === id);
  if (at >= 0) return jobs.with(at, one);
  if (!isShown(one.job, show)) return [...jobs];
  // Ids rise with the time of the order.
  const place = jobs.findIndex(({ job }) => job.job_id < id);
  if (place < 0) return isWhole ? [...jobs, one] : [...jobs];
  return [...jobs.slice(0, place), one, ...jobs.slice(place)];
}

/** Whether an action makes sense for a job. */
export function mayEnd({ status }: Pick<Job, 'status'>): boolean {
  return !isFinal(status) && status !== 'ending';
}

export function mayExtend({ status }: Pick<Job, 'status'>): boolean {
  return status === 'running';
}
