import type { GapCause, JobFailure, SshAccess } from '../src/domain/job.js';
import type { Instant, Printable } from '../src/domain/outside.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import type { ErrorCode } from '../src/wire/error-codes.js';
import type { JobEnder } from '../src/wire/job-events.js';
import type { FinalJobStatus } from '../src/wire/statuses.js';

/** A gap in the form that activities take: RFC 3339. */
export interface RecordedGap {
  from: Instant;
  to: Instant;
  cause: GapCause;
}

/** A job that runs. Times are RFC 3339. */
export interface RecordedRun {
  ssh: SshAccess;
  podUid: string;
  startedAt: string;
  expiresAt: string;
  /** It has ended already, and nobody but its provider saw it run. */
  isUnseen?: true;
  unreached?: StartFailure;
}

/** How a job ended and when it was served, as far as known. Times are RFC 3339. */
export interface ReleasedJob {
  status: FinalJobStatus;
  message: Printable;
  /** Absent if it ended by itself. Versions before 0.2.0 do not say. */
  endedBy?: JobEnder;
  failure?: JobFailure;
  /** Of the main program, if the job ended with it. */
  exitCode?: number;
  /** When the end was decided, by the broker's clock. */
  endAt: Instant;
  podEndedAt?: Instant;
  lastSeen?: Instant;
  /** Gaps that may not have been written down yet. */
  gaps?: RecordedGap[];
  /** Set if the job was never reached and its provider caused that. */
  startFailure?: StartFailure;
  /** The start before at the only machine where the job's ports were not reachable, if it may be held against it. */
  unreached?: StartFailure;
}

/** A failed start that its provider caused, or may have caused. */
export interface StartFailure {
  providerId: string;
  /** The number of the placement. */
  attempt: number;
  reason: ErrorCode;
  fault: MachineFault;
  /** What everybody reads of the provider instead of the reason, also in `why_not`: nothing of the job or its customer. */
  shown?: Printable;
}

/** What a recorded failure led to. */
export interface Remembered {
  /** Its provider is out of placement because of this failure, and has not been told. */
  isOut?: boolean;
  /** The same, of the machine that was not reached. */
  isUnreachedOut?: boolean;
}
