import { finalJobStatuses, type JobStatus } from '../wire/statuses.js';

const newestFirst = 'order by j.created_at desc, j.job_id desc';

/**
 * The newest jobs of these statuses as `j`, for a list that has a limit. Jobs that are not over are few. Of those that
 * are, each status is read by itself: in an index by status and time, a few rows at its end are enough.
 *
 * @param where about `j`.
 * @param parameters that hold the statuses and the limit.
 */
export function jobsOfStatusesSql(where: string, statuses: string, limit: string): string {
  return `
    (select j.* from jobs j
      where j.ended_at is null and j.status = any (${statuses}::text[]) and ${where}
      ${newestFirst} limit ${limit}::int)
    union all
    select e.*
      from unnest(${statuses}::text[]) as s (status),
           lateral (select j.* from jobs j
                     where j.ended_at is not null and j.status = s.status and ${where}
                     ${newestFirst} limit ${limit}::int) e
     where s.status = any (array['${finalJobStatuses.join("', '")}'])`;
}

/** As the parameter: each once. */
export const statusesParameter = (statuses: readonly JobStatus[] | undefined) =>
  statuses === undefined ? null : [...new Set(statuses)];
