import { cgroupDriver, containerd, programs } from './runtime.js';
import { disk } from './disks.js';
import type { Check, Finding, Situation } from './finding.js';
import { devicePlugin, driver, gpuMemory, singleProcess, toolkit } from './gpu-checks.js';
import { shown, Unseen, type Host } from './host.js';
import { cgroups, forwarding, kernelLimits, modules, swap } from './kernel.js';
import { leftovers, portsInUse } from './leftovers.js';
import { address, apiServer, broker, reachable, user } from './network-checks.js';

/** Those that decide whether a join can succeed come first: they are what `run` looks at. */
const forJoining: readonly Check[] = [
  ...[programs, containerd, swap, forwarding, modules, cgroups, cgroupDriver, leftovers, portsInUse],
];
const others: readonly Check[] = [
  ...[kernelLimits, disk, driver, toolkit, gpuMemory, devicePlugin, singleProcess],
  ...[address, reachable, broker, apiServer, user],
];

/** The names that `--skip-checks` takes. */
export const checkNames: readonly string[] = [...forJoining, ...others].map(({ name }) => name);

/** These checks look at the machine's software alone. */
const notJoined: Situation = {
  hasJoined: false,
  machine: { gpus: [], privateIp: '' },
  reading: { problems: [], hasDriver: false, failed: false },
};

/** Looks at everything. */
export async function examine(host: Host, situation: Situation): Promise<Finding[]> {
  return await findings([...forJoining, ...others], host, situation);
}

/** What would make a join fail, apart from the checks that the owner does not want. */
export async function obstaclesToJoin(host: Host, skipped: readonly string[]): Promise<Finding[]> {
  if (skipped.includes('all')) return [];
  const wanted = forJoining.filter(({ name }) => !skipped.includes(name));
  return (await findings(wanted, host, notJoined)).filter(({ stopsJoin }) => stopsJoin === true);
}

async function findings(checks: readonly Check[], host: Host, situation: Situation): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const check of checks) found.push(...(await findingsOf(check, host, situation)));
  return found;
}

async function findingsOf({ name: check, look }: Check, host: Host, situation: Situation): Promise<Finding[]> {
  try {
    const seen = await look(host, situation);
    if (seen === undefined) return [];
    if (seen.problems.length === 0) return [{ check, verdict: 'ok', text: seen.fine }];
    return seen.problems.map((problem) => ({ check, ...problem }));
  } catch (error) {
    if (!(error instanceof Unseen)) throw error;
    return [
      {
        ...{ check, verdict: 'unseen', text: shown(error.message) },
        ...(host.isRoot ? {} : { mend: 'sudo provider-agent doctor' }),
      },
    ];
  }
}
