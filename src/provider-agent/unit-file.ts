import { optionsOf, type Options } from './options.js';

/** The first line of files that `install` wrote; a file without it belongs to somebody else. */
export const ownMark = '# Written by `provider-agent install`, which also changes and removes it.';

/** The program as a service starts it. */
export interface ServiceProgram {
  node: string;
  script: string;
}

/**
 * The unit. What it forbids does no harm to `kubeadm join`, which the agent runs: that writes to /etc and /var, loads
 * modules and tells systemd to start the kubelet. `ProtectClock`, `PrivateDevices` and `DevicePolicy` would take the GPUs
 * away, and `MemoryDenyWriteExecute` the compiler of Node.
 */
export function unitText({ node, script }: ServiceProgram, { flags, environmentFile }: UnitParts): string {
  const command = [node, script, 'run', ...flags].map(word).join(' ');
  return `${ownMark}
[Unit]
Description=WorldLand provider agent
After=network-online.target containerd.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${command}
EnvironmentFile=${environmentFile}
# A wrong option stays wrong; everything else may pass. A provider that has left the fleet ends without an error.
Restart=on-failure
RestartPreventExitStatus=2
RestartSec=10
# A join under way is let finish.
KillMode=mixed
TimeoutStopSec=300
# Customers' programs may use up the memory; heartbeats have to go on.
OOMScoreAdjust=-500
NoNewPrivileges=yes
ProtectSystem=yes
ProtectHostname=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;
}

export interface UnitParts {
  /** Options that no variable sets. */
  flags: readonly string[];
  environmentFile: string;
}

/** The options of `run` that differ from their defaults: as variables, and as flags where there is no variable. */
export function settingsOf(
  options: Options,
  env: NodeJS.ProcessEnv,
): { variables: [string, string][]; flags: string[] } {
  const variables: [string, string][] = [];
  const flags: string[] = [];
  for (const { name, flag, about, byDefault } of optionsOf('run')) {
    const value = options[name as keyof Options];
    if (about.secret === true || value === undefined || same(value, byDefault)) continue;
    if (about.env !== undefined) variables.push([about.env, textOf(value)]);
    else if (value === true) flags.push(`--${flag}`);
  }
  // Node itself reads it when it starts, so that the agent must find it there.
  const authorities = env['NODE_EXTRA_CA_CERTS'];
  if (authorities !== undefined && authorities !== '') variables.push(['NODE_EXTRA_CA_CERTS', authorities]);
  return { variables, flags };
}

/** The variables as systemd reads them. */
export function environmentText(variables: readonly [string, string][]): string {
  const lines = variables.map(([name, value]) => `${name}="${value.replaceAll(/[\\"`$]/g, String.raw`\$&`)}"`);
  return [ownMark, ...lines, ''].join('\n');
}

function same(value: unknown, byDefault: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(byDefault);
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, price]) => `${name}=${String(price)}`)
    .join(',');
}

/** A word of a command line as systemd reads it: it would replace `%` and `$`. */
function word(text: string): string {
  const escaped = text
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
    .replaceAll(/[\\"]/g, String.raw`\$&`);
  return /^[\w/.:=,@+%$-]+$/.test(text) ? escaped : `"${escaped}"`;
}
