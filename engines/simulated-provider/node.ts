import { setTimeout as sleep } from 'node:timers/promises';
import { ask, Denied, type Access } from './kubernetes-request.js';
import type { Machine } from './machine.js';

/** kwok plays the kubelet of nodes with this label. */
const simulated = { type: 'kwok' };
/** Polls less often the longer it takes, like the certificate. */
const [firstPollMs, slowestPollMs] = [50, 1_500] as const;
const readyTimeoutMs = 60_000;

interface Node {
  metadata: { uid: string };
  status?: { conditions?: { type: string; status: string }[] };
}

/** The capacity the machine reports, like a kubelet with a GPU device plugin. */
function resources({ gpus, cpuCores, memoryMb, diskGb }: Machine): Record<string, string> {
  return {
    cpu: String(cpuCores),
    memory: `${memoryMb}Mi`,
    'ephemeral-storage': `${diskGb}Gi`,
    pods: '110',
    ...(gpus.count > 0 ? { 'nvidia.com/gpu': String(gpus.count) } : {}),
  };
}

/** Creates the machine's node or reuses the existing one, and waits until the control plane reports it Ready. */
export async function putNode(access: Access, nodeName: string, machine: Machine): Promise<{ uid: string }> {
  const labels = {
    ...simulated,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/os': 'linux',
  };
  const status = {
    capacity: resources(machine),
    allocatable: resources(machine),
    addresses: [
      { type: 'InternalIP', address: machine.address },
      { type: 'Hostname', address: nodeName },
    ],
    nodeInfo: {
      architecture: 'amd64',
      operatingSystem: 'linux',
      osImage: 'simulated',
      kernelVersion: '6.1.0',
      containerRuntimeVersion: 'simulated://0',
      kubeletVersion: 'v1.37.2',
      ...{ kubeProxyVersion: '', machineID: '', systemUUID: '', bootID: '' },
    },
  };
  try {
    await ask(access, 'POST', '/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName, labels },
      status,
    });
  } catch (error) {
    if (!(error instanceof Denied) || error.reason !== 'AlreadyExists') throw error;
    await merge(access, `/api/v1/nodes/${nodeName}/status`, { status });
    await merge(access, `/api/v1/nodes/${nodeName}`, { metadata: { labels } });
  }
  let pollMs: number = firstPollMs;
  for (
    const deadline = Date.now() + readyTimeoutMs;
    Date.now() < deadline;
    pollMs = Math.min(pollMs * 1.5, slowestPollMs)
  ) {
    const node = await ask<Node>(access, 'GET', `/api/v1/nodes/${nodeName}`);
    if (node.status?.conditions?.some(({ type, status: now }) => type === 'Ready' && now === 'True'))
      return { uid: node.metadata.uid };
    await sleep(pollMs);
  }
  throw new Error(`the node ${nodeName} does not become Ready: is kwok running?`);
}

/**
 * Makes the machine go silent as if its power were cut, or come back: kwok renews the lease only of nodes with the
 * label. The control plane notices after its grace period (50 s by default).
 */
export async function setNodeAlive(access: Access, nodeName: string, alive: boolean): Promise<void> {
  await merge(access, `/api/v1/nodes/${nodeName}`, { metadata: { labels: { type: alive ? simulated.type : null } } });
}

/** Changes how many GPUs the node counts, as when a device plugin loses or finds one. */
export async function setNodeGpus(access: Access, nodeName: string, count: number): Promise<void> {
  const gpus = { 'nvidia.com/gpu': String(count) };
  await merge(access, `/api/v1/nodes/${nodeName}/status`, { status: { capacity: gpus, allocatable: gpus } });
}

async function merge(access: Access, path: string, body: object): Promise<void> {
  await ask(access, 'PATCH', path, body, 'application/merge-patch+json');
}
