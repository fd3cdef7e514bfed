import { existsSync } from 'node:fs';
import { examine, obstaclesToJoin } from './doctor/examine.js';
import type { Finding, Situation } from './doctor/finding.js';
import { thisHost, type Host } from './doctor/host.js';
import type { Options } from './options.js';
import type { Say } from './say.js';
import { scanMachine } from './scan.js';

/** A documentation address: it belongs to nobody and lies behind the default route. */
const anybody = '192.0.2.1';

/** Reads the machine for the checks. */
export async function situationOf(
  { publicIp, kubeletConf, broker }: Pick<Options, 'publicIp' | 'kubeletConf' | 'broker'>,
  host: Host = thisHost,
): Promise<Situation & Awaited<ReturnType<typeof scanMachine>>> {
  const scanned = await scanMachine({ towards: anybody, ...(publicIp === undefined ? {} : { publicIp }) }, host);
  return { ...scanned, hasJoined: existsSync(kubeletConf), broker };
}

/** Says what is wrong with this machine before anybody signs anything or waits for it. Nothing here stops the agent. */
export async function sayFailures(options: Options, say: Say): Promise<void> {
  if (options.skipChecks.includes('all')) return;
  const situation = await situationOf(options);
  // The agent asks the broker anyway, and tells what it says about the clock.
  const found = await examine(thisHost, { ...situation, broker: undefined });
  const failures = found.filter(({ check, verdict }) => verdict === 'failure' && !options.skipChecks.includes(check));
  if (failures.length > 0) say(`this machine is not ready for customers:\n${linesOf(failures)}`);
}

/**
 * Looks for what would make `kubeadm join` fail, some of it only after minutes and without a reason.
 *
 * @throws Error that says what to mend.
 */
export async function requireJoinable(
  { skipChecks }: Pick<Options, 'skipChecks'>,
  host: Host = thisHost,
): Promise<void> {
  const obstacles = await obstaclesToJoin(host, skipChecks);
  if (obstacles.length > 0)
    throw new Error(
      `not joined: kubeadm would fail. \`provider-agent doctor\` tells more; --skip-checks joins nevertheless\n${linesOf(obstacles)}`,
    );
}

function linesOf(findings: readonly Finding[]): string {
  return findings
    .map(({ check, text, mend }) => `  ✗ ${check}: ${text}${mend === undefined ? '' : `\n      → ${mend}`}`)
    .join('\n');
}
