import { finalJobStatuses, type FinalJobStatus } from '../wire/statuses.js';
import { WorldLandError } from './errors.js';
import type { Job, RunningJob } from './shapes.js';

/** Whether a job with this status is over. */
export function isFinal(status: string): status is FinalJobStatus {
  return (finalJobStatuses as readonly string[]).includes(status);
}

/** @throws WorldLandError `protocol` if the broker leaves out how to log in. */
export function runningJob(job: Job): RunningJob {
  const { provider_id, ssh_host, ssh_port, ssh_user, ssh_command, known_hosts } = job;
  const said = { provider_id, ssh_host, ssh_port, ssh_user, ssh_command, known_hosts };
  const missing = Object.entries(said).find(([, value]) => value === undefined);
  if (missing === undefined) return job as RunningJob;
  throw new WorldLandError('protocol', `the broker says that the job runs, but not its ${missing[0]}`, {
    data: { job_id: job.job_id, field: missing[0] },
  });
}

/** Why a job is over, or never ran: its reason is the code. */
export function endedBefore(job: Job): WorldLandError {
  const code = job.failure_reason ?? 'job_ended';
  const detail = job.failure_message ?? job.message ?? `the job is ${job.status}`;
  return new WorldLandError(code, detail, { data: { job_id: job.job_id, job } });
}
