import type { SshTarget } from '../../words/ssh-target.js';

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
