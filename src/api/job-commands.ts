import type { JobOrder } from '../domain/job.js';
import type { JobState } from '../../workflows/job-messages.js';

/** What the API asks of job workflows. Failures come as `BrokerError`. */
export interface JobCommands {
  /**
   * Starts the job's workflow, or finds the one that runs, and waits up to `waitMs` for SSH or for the end without.
   * Answers `still_starting` when neither came in time, and for a job whose workflow is over already; in either case
   * the server has taken the start.
   *
   * @throws BrokerError `dependency_unavailable` when nobody knows whether it has.
   */
  startAndWait(order: JobOrder, waitMs: number): Promise<JobState | 'still_starting'>;
  /**
   * Ends the job and waits up to `waitMs` until everything it held is released. Repeats cost nothing. `still_ending`: the
   * server has taken the order, and the job ends. `already_ended`: its workflow is over. `no_workflow`: there is none,
   * so nobody has taken the order.
   *
   * @throws BrokerError `dependency_unavailable` when nobody knows whether the order was taken.
   */
  cancel(
    jobId: string,
    by: string,
    waitMs: number,
  ): Promise<JobState | 'still_ending' | 'already_ended' | 'no_workflow'>;
  /**
   * Moves the expiry by `seconds`; the same `requestId` moves it once. `sessionId` pays, or else the session that
   * ordered the job.
   *
   * @throws BrokerError `job_ended`, `job_not_running`, `duration_limit`, `spend_limit_exceeded`, `rate_limited`
   */
  extend(jobId: string, requestId: string, seconds: number, sessionId?: string): Promise<{ expiresAt: string }>;
}
