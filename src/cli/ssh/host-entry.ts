import { isSshHost } from '../../domain/job.js';
import { isUuid } from '../../domain/uuid.js';

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

/** Whether a job's name may be a part of a host's name. */
export function isAliasName(name: string | undefined): name is string {
  return name !== undefined && aliasName.test(name);
}

/**
 * The options of a login, in the order of the file. What comes first wins in OpenSSH, so nothing of the user's `Host *`
 * changes them: a stranger's machine is verified, and never gets the agent.
 */
export function sshOptions(
  target: SshTarget,
  { knownHosts, identity }: { knownHosts: string; identity?: string | undefined },
): (readonly [name: string, value: string])[] {
  return [
    ['HostName', target.host],
    ['Port', String(target.port)],
    ['User', target.user],
    ['HostKeyAlias', target.hostKeyAlias],
    ['HostKeyAlgorithms', algorithmsFor(target.hostKeyType)],
    ['UserKnownHostsFile', quoted(knownHosts)],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', 'yes'],
    ['UpdateHostKeys', 'no'],
    ['ForwardAgent', 'no'],
    ['ForwardX11', 'no'],
    ...(identity === undefined ? [] : [['IdentityFile', quoted(identity)] as const]),
    ['ServerAliveInterval', '30'],
  ];
}

/** RSA keys sign by newer algorithms than the one that gave them their name. */
function algorithmsFor(type: string): string {
  return type === 'ssh-rsa' ? 'rsa-sha2-512,rsa-sha2-256' : type;
}

/** A path as ssh reads it: `%` begins one of its tokens, and blanks separate. */
function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}

/** The section of a host in the file. */
export function hostSection(aliases: readonly string[], options: readonly (readonly [string, string])[]): string {
  return [`Host ${aliases.join(' ')}`, ...options.map(([name, value]) => `  ${name} ${value}`), ''].join('\n');
}

export function knownHostsOf(target: SshTarget): string {
  return `${target.hostKeyAlias} ${target.hostKey}\n`;
}
