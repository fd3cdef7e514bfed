import { isSshHost, knownHostsLine, sshCommand } from '../domain/job.js';
import { isUuid } from '../domain/uuid.js';
import { shortIds } from './short-ids.js';

/** What of a job is needed to log in; none of it is trusted, for it comes over the wire. */
export interface SshJob {
  job_id: string;
  job_name?: string | undefined;
  ssh_host?: string | undefined;
  ssh_port?: number | undefined;
  ssh_user?: string | undefined;
  ssh_host_key?: string | undefined;
}

/** Where and how to log in, checked: each part may stand in a configuration file and on a command line. */
export interface SshTarget {
  jobId: string;
  host: string;
  port: number;
  user: string;
  hostKeyType: string;
  /** Type and key, as in known_hosts. */
  hostKey: string;
  /** The name under which known_hosts has the key: a port that a later job gets never meets the key of an older one. */
  hostKeyAlias: string;
}

const hostKeys = /^((?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))) ([A-Za-z0-9+/]{40,2000}={0,2})$/;
const userName = /^[a-z_][a-z0-9_-]{0,31}$/;
const aliasName = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** @returns undefined for a job that does not run, and for parts that no honest broker sends. */
export function sshTargetOf(job: SshJob): SshTarget | undefined {
  const { job_id: jobId, ssh_host: host, ssh_port: port, ssh_user: user, ssh_host_key: key } = job;
  const hostKey = hostKeys.exec((key ?? '').trim().split(' ').slice(0, 2).join(' '));
  if (!isUuid(jobId) || !isSshHost(host) || hostKey === null || !userName.test(user ?? '')) return undefined;
  if (!Number.isInteger(port) || port! < 1 || port! > 65_535) return undefined;
  return {
    ...{ jobId, host, port: port!, user: user! },
    ...{ hostKeyType: hostKey[1]!, hostKey: hostKey[0], hostKeyAlias: `wl-${jobId.toLowerCase()}` },
  };
}

/** The command that logs in, for somebody without `wl`. */
export function loginCommandOf({ host, port, user }: SshTarget): string {
  return sshCommand({ host, port, user });
}

/** The line for `~/.ssh/known_hosts` that belongs to it. */
export function knownHostsLineOf({ host, port, hostKey }: SshTarget): string {
  return knownHostsLine({ host, port, hostKey })!;
}

/** Whether a job's name may be a part of a host's name. */
export function isAliasName(name: string | undefined): name is string {
  return name !== undefined && aliasName.test(name);
}

/** The host names of each job: `wl-NAME`, if it is the newest with this name, and `wl-` with the last letters of its id. */
export function hostAliases(jobs: readonly SshJob[]): Map<string, string[]> {
  const short = shortIds(jobs.map(({ job_id }) => job_id));
  const newest = new Map<string, string>();
  for (const { job_id, job_name } of jobs) {
    const other = job_name === undefined ? undefined : newest.get(job_name);
    // Ids rise with the time of the order.
    if (isAliasName(job_name) && (other === undefined || other < job_id)) newest.set(job_name, job_id);
  }
  const ends = new Set(short.values());
  return new Map(
    jobs.map(({ job_id, job_name }) => {
      const isNamed = job_name !== undefined && newest.get(job_name) === job_id && !ends.has(job_name);
      return [job_id, [...(isNamed ? [`wl-${job_name}`] : []), `wl-${short.get(job_id)!.replace(/^-/, '')}`]];
    }),
  );
}
