import type { JobOrder } from '../domain/job.js';
import type { Printable } from '../domain/outside.js';
import type { JobState } from '../../workflows/job-messages.js';

/** What the API asks of job workflows. All errors are `BrokerError`s. */
export interface JobCommands {
  /**
   * Starts the job's workflow, or finds the running one, and waits up to `waitMs` until SSH answers or the job ends
   * before. Resolves to `still_starting` if neither happened in time, or if the job's workflow has ended already; in
   * both cases the server has taken the start.
   *
   * @throws BrokerError `dependency_unavailable` if it is unknown whether the server has taken it.
   */
  startAndWait(order: JobOrder, waitMs: number): Promise<JobState | 'still_starting'>;
  /**
   * Ends the job and waits up to `waitMs` until everything it held is released. Repeats cost nothing. `still_ending`:
   * the server has taken the request, and the job ends. `already_ended`: its workflow has ended. `no_workflow`: there
   * is none, so the request was not taken.
   *
   * @param by who ends it, and `reason` why, both for the job's customer.
   * @throws BrokerError `dependency_unavailable` if it is unknown whether the request was taken.
   */
  cancel(
    jobId: string,
    by: string,
    waitMs: number,
    reason?: Printable,
  ): Promise<JobState | 'still_ending' | 'already_ended' | 'no_workflow'>;
  /**
   * Moves the expiry by `seconds`, once for each `requestId`. `sessionId` pays, or else the session that ordered the
   * job.
   *
   * @throws BrokerError `job_ended`, `job_not_running`, `duration_limit`, `spend_limit_exceeded`,
   * `monthly_cap_reached`, `rate_limited`
   */
  extend(jobId: string, requestId: string, seconds: number, sessionId?: string): Promise<{ expiresAt: string }>;
}
