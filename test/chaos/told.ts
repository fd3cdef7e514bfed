import type { JobBody } from './requests.js';

/** What a customer was told about his job so far. */
export interface Told {
  providerId?: string;
  pricePerHour?: number;
  /** Address, user and host key together. */
  ssh?: string;
  status?: string;
  startedAtMs?: number;
  expiresAtMs?: number;
  endedAtMs?: number;
  /** When he was first told that it had started. */
  toldStartedMs?: number;
  /** When he was first told that it had ended. */
  toldEndedMs?: number;
}

export const finalStatuses: ReadonlySet<string> = new Set([
  'completed',
  'expired',
  'cancelled',
  'failed',
  'provider_lost',
]);
const rank = ['pending', 'provisioning', 'running', 'ending'];
/** How far a job has come; all ends have the same rank. */
export const rankOf = (status: string) => (finalStatuses.has(status) ? rank.length : rank.indexOf(status));
/** Until it runs, a job may move elsewhere, and then waits for a machine again. */
const goesOn = (before: string, status: string) =>
  rankOf(status) >= rankOf(before) || (before === 'provisioning' && status === 'pending');

/**
 * Adds one more reply to what a customer was told.
 *
 * @param promisedMs the latest expiry in a reply to an extension, before this request.
 * @returns the contradictions to what he was told before.
 */
export function keepTold(told: Told, job: JobBody, promisedMs = 0): string[] {
  const wrong: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };
  const { status } = job;
  if (told.status !== undefined) {
    must(goesOn(told.status, status), `it was ${told.status} and then ${status}`);
    must(!finalStatuses.has(told.status) || status === told.status, `it ended as ${told.status} and then as ${status}`);
  }
  told.status = status;
  // Until it runs, a job may still move elsewhere, at another price.
  if (told.startedAtMs !== undefined && told.providerId !== undefined)
    must(job.provider_id === told.providerId, `it went from ${told.providerId} to ${job.provider_id}`);
  if (job.provider_id !== undefined) told.providerId = job.provider_id;
  if (job.started_at !== undefined) {
    must(
      told.pricePerHour === undefined || told.pricePerHour === job.price_per_hour,
      `its price went from ${told.pricePerHour} to ${job.price_per_hour}`,
    );
    if (job.price_per_hour !== undefined) told.pricePerHour = job.price_per_hour;
  }
  if (status === 'running') {
    const ssh = `${job.ssh_user}@${job.ssh_host}:${job.ssh_port} ${job.ssh_host_key}`;
    must(!ssh.includes('undefined'), `it runs, and is reached at ${ssh}`);
    must(told.ssh === undefined || told.ssh === ssh, `it was reached at ${told.ssh} and then at ${ssh}`);
    told.ssh = ssh;
  }
  const msOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));
  const [startedAtMs, expiresAtMs, endedAtMs] = [job.started_at, job.expires_at, job.ended_at].map(msOf);
  const same = (before: number | undefined, now: number | undefined) => before === undefined || before === now;
  must(same(told.startedAtMs, startedAtMs), `it started at ${told.startedAtMs} and then at ${startedAtMs}`);
  must(same(told.endedAtMs, endedAtMs), `it ended at ${told.endedAtMs} and then at ${endedAtMs}`);
  const before = Math.max(told.expiresAtMs ?? 0, promisedMs);
  must((expiresAtMs ?? 0) >= before, `its expiry moved back from ${before} to ${expiresAtMs}`);
  if (startedAtMs !== undefined) told.startedAtMs = startedAtMs;
  if (expiresAtMs !== undefined) told.expiresAtMs = expiresAtMs;
  if (endedAtMs !== undefined) told.endedAtMs = endedAtMs;
  if (startedAtMs !== undefined) told.toldStartedMs ??= Date.now();
  if (finalStatuses.has(status)) told.toldEndedMs ??= Date.now();
  return wrong;
}
