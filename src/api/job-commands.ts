import type { JobOrder } from '../domain/job.js';
import type { JobState } from '../../workflows/messages.js';

/** What the API asks of job workflows. Failures come as `BrokerError`. */
export interface JobCommands {
  /**
   * Starts the job's workflow, or finds the one that runs, and waits up to `waitMs` for SSH or for the end without.
   * Answers `still_starting` when neither came in time, and for a job whose workflow is over already.
   */
  startAndWait(order: JobOrder, waitMs: number): Promise<JobState | 'still_starting'>;
  /** Ends the job and waits up to `waitMs` until everything it held is released. */
  cancel(jobId: string, by: string, waitMs: number): Promise<JobState | 'still_ending' | 'already_ended'>;
  /**
   * Moves the expiry by `seconds`; the same `requestId` moves it once. `sessionId` pays, or else the session that
   * ordered the job.
   *
   * @throws BrokerError `job_ended`, `job_not_running`, `duration_limit`, `spend_limit_exceeded`
   */
  extend(jobId: string, requestId: string, seconds: number, sessionId?: string): Promise<{ expiresAt: string }>;
}
