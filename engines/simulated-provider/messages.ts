import * as wire from '../../src/provider-agent/messages.js';
import type { Machine } from './machine.js';

/** The fields of one stream entry. */
export type EntryFields = Record<string, string>;

/**
 * Builds the entry for a message: `data` is the JSON text exactly as it will be read. For a signing provider, use
 * `providerSigner`.
 */
export type SealEntry = (stream: string, data: string) => EntryFields | Promise<EntryFields>;

/** The entry as the public agents send it, unsigned. Their timestamps have whole seconds. */
export const bareEntry: SealEntry = (_stream, data) => ({
  data,
  timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
});

/** What a public agent of version 1.0.0 publishes on `provider:registration`: totals only in the single-type fields. */
export function registrationMessage(machine: Machine): object {
  const { providerId, wallet, gpus, encKey, region } = machine;
  return wire.registrationMessage({
    providerId,
    wallet,
    machine: {
      hostname: providerId,
      os: 'Simulated Linux',
      kernelVersion: '6.1.0',
      architecture: 'amd64',
      cpuModel: 'Simulated CPU',
      cpuCores: machine.cpuCores,
      cpuThreads: machine.cpuCores,
      totalMemoryMb: machine.memoryMb,
      gpus: Array.from({ length: gpus.count }, (_, index) => ({
        index,
        name: gpus.model,
        memoryMb: gpus.memoryMb ?? 24_564,
        uuid: `GPU-${providerId}-${index}`,
        driverVersion: '550.54.15',
        cudaVersion: '12.4',
        pciBusId: `00000000:${(index + 1).toString(16).padStart(2, '0')}:00.0`,
      })),
      totalDiskGb: machine.diskGb,
      availableDiskGb: machine.diskGb,
      publicIp: machine.address,
      privateIp: machine.address,
    },
    capacity: wire.singleTypeCapacity({ ...machine, gpuCount: gpus.count }),
    agentVersion: '1.0.0',
    ...(encKey === undefined ? {} : { encKey }),
    ...(region === undefined ? {} : { region }),
  });
}

/** The message for `provider:heartbeat`. */
export function heartbeatMessage({ providerId, gpus, usage }: Machine, nodeName: string): object {
  const idle = { gpus: Array.from({ length: gpus.count }, () => 0), cpu: 0, memory: 0 };
  const { gpus: gpuUsage, cpu: cpuUsage, memory: memoryUsage } = usage?.() ?? idle;
  return wire.heartbeatMessage({ providerId, nodeName, gpuUsage, cpuUsage, memoryUsage, activeJobs: 0 });
}

/** The message for `provider:capacity` when the machine offers a different number of GPUs than it registered. */
export function capacityMessage(machine: Machine, nodeName: string, gpuCount: number): object {
  const capacity = wire.singleTypeCapacity({ ...machine, gpuCount });
  return wire.capacityMessage({ providerId: machine.providerId, nodeName, capacity });
}
