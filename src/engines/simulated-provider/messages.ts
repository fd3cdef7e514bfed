/** What a simulated provider is and offers. */
export interface Machine {
  providerId: string;
  /** `0x…`, where earnings go. */
  wallet: string;
  gpus: { model: string; count: number; memoryMb?: number };
  cpuCores: number;
  memoryMb: number;
  diskGb: number;
  gpuPricePerHour: number;
  /** The address the machine says it has, as InternalIP of its node. */
  address: string;
  /** The key for which its answers are to be sealed. */
  encKey?: string;
}

/** The fields of one stream entry. */
export type EntryFields = Record<string, string>;

/**
 * Builds the entry that carries a message: `data` is the JSON text exactly as it will be read. For a provider that
 * signs, `providerSigner` makes one.
 */
export type SealEntry = (stream: string, data: string) => EntryFields | Promise<EntryFields>;

/** The entry of the public agents, who do not sign. Their timestamps have whole seconds. */
export const bareEntry: SealEntry = (_stream, data) => ({
  data,
  timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
});

/** How the agents' language writes a time that was never set. */
const unsetTime = '0001-01-01T00:00:00Z';

/** What a public agent of version 1.0.0 publishes on `provider:registration`: totals only in the single-type fields. */
export function registrationMessage(machine: Machine): object {
  const { providerId, wallet, gpus } = machine;
  return {
    provider_id: providerId,
    wallet_addr: wallet,
    spec: {
      hostname: providerId,
      os: 'Simulated Linux',
      kernel_ver: '6.1.0',
      architecture: 'amd64',
      cpu_model: 'Simulated CPU',
      cpu_cores: machine.cpuCores,
      cpu_threads: machine.cpuCores,
      total_memory_mb: machine.memoryMb,
      // A machine without GPUs has a list that was never made, which its language writes as null.
      gpus:
        gpus.count === 0
          ? null
          : Array.from({ length: gpus.count }, (_, index) => ({
              index,
              name: gpus.model,
              memory_mb: gpus.memoryMb ?? 24_564,
              uuid: `GPU-${providerId}-${index}`,
              driver_ver: '550.54.15',
              cuda_version: '12.4',
              pci_bus_id: `00000000:${(index + 1).toString(16).padStart(2, '0')}:00.0`,
            })),
      total_gpus: gpus.count,
      total_disk_gb: machine.diskGb,
      available_disk_gb: machine.diskGb,
      public_ip: machine.address,
      private_ip: machine.address,
    },
    capacity: {
      ...capacity(machine, gpus.count),
      // Times are written even when they were never set.
      available_from: unsetTime,
      available_until: unsetTime,
    },
    agent_version: '1.0.0',
    ...(machine.encKey === undefined ? {} : { enc_key: machine.encKey }),
    timestamp: new Date().toISOString(),
  };
}

/** What goes to `provider:heartbeat`. */
export function heartbeatMessage({ providerId, gpus }: Machine, nodeName: string): object {
  return {
    provider_id: providerId,
    node_name: nodeName,
    status: 'available',
    gpu_usage: Array.from({ length: gpus.count }, () => 0),
    cpu_usage: 0,
    memory_usage: 0,
    active_jobs: 0,
    timestamp: new Date().toISOString(),
  };
}

/** What goes to `provider:capacity` when the machine offers another number of GPUs than it registered. */
export function capacityMessage(machine: Machine, nodeName: string, gpuCount: number): object {
  return {
    provider_id: machine.providerId,
    node_name: nodeName,
    capacity: { ...capacity(machine, gpuCount), available_from: unsetTime, available_until: unsetTime },
    timestamp: new Date().toISOString(),
  };
}

function capacity(machine: Machine, gpuCount: number): object {
  return {
    gpu_count: gpuCount,
    cpu_cores: machine.cpuCores,
    memory_mb: machine.memoryMb,
    gpu_price_per_hour: machine.gpuPricePerHour,
  };
}

/** The broker's answer to a registration. */
export interface RegistrationReply {
  success: boolean;
  status: string;
  message?: string;
  join_command?: string;
  node_name?: string;
}
