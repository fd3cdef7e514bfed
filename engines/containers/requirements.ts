import { readFileSync } from 'node:fs';
import { machineAddress } from '../kubernetes/kubeadm.js';
import { missingForRealNode } from '../real-node/requirements.js';
import { findOnPath } from '../tools/tool.js';

/** What this machine lacks to run containers in namespaces of their own; undefined if it lacks nothing. */
export function missingForContainers(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const missing = missingForRealNode(env);
  if (missing !== undefined) return missing;
  if (!/^ID=debian$/m.test(release()) || !/^VERSION_ID="12"$/m.test(release()))
    return 'Debian 12, whose container engine it unpacks';
  if (findOnPath('npm', env) === undefined) return 'the program npm, which becomes part of the image of Node';
  if (machineAddress() === '127.0.0.1') return 'a network, through which containers reach the cluster';
  return undefined;
}

function release(): string {
  return readFileSync('/etc/os-release', 'utf8');
}
