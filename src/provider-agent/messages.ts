/** One GPU as the driver describes it. */
export interface Gpu {
  index: number;
  name: string;
  /** 0 when the driver does not say. */
  memoryMb: number;
  uuid: string;
  driverVersion: string;
  /** The newest CUDA version that the driver supports. */
  cudaVersion: string;
  pciBusId: string;
}

/** A machine's hardware and addresses, whether offered or not. */
export interface Machine {
  hostname: string;
  os: string;
  kernelVersion: string;
  /** The name Go and Kubernetes use, such as `amd64`. */
  architecture: string;
  cpuModel: string;
  cpuCores: number;
  cpuThreads: number;
  totalMemoryMb: number;
  gpus: readonly Gpu[];
  totalDiskGb: number;
  availableDiskGb: number;
  publicIp?: string;
  privateIp: string;
}

/** What a machine offers besides its GPUs, and the prices, in token units per hour. */
export interface Offer {
  cpuCores: number;
  memoryMb: number;
  diskGb: number;
  gpuPricePerHour: number;
  /** Prices by GPU name, where they differ from `gpuPricePerHour`. */
  gpuPricesPerHour: Readonly<Record<string, number>>;
  cpuPricePerHour: number;
  memoryPricePerGbHour: number;
  storagePricePerGbHour: number;
}

/** The `capacity` of a registration or an update, with the wire's field names. */
export type WireCapacity = Record<string, unknown>;

/** How Go, the public agents' language, writes a time that was never set. */
const unsetTime = '0001-01-01T00:00:00Z';

/** The JSON message for `provider:registration`. */
export function registrationMessage({
  providerId,
  wallet,
  machine,
  capacity,
  miningConfig,
  encKey,
  region,
  agentVersion,
}: {
  providerId: string;
  /** `0x…`, the address that is paid. */
  wallet: string;
  machine: Machine;
  capacity: WireCapacity;
  /** What idle GPUs mine, in the wire's form. */
  miningConfig?: object;
  /** The public key to seal the answer for. */
  encKey?: string;
  /** Where the machine is, in its owner's word. */
  region?: string;
  agentVersion: string;
}): object {
  return {
    provider_id: providerId,
    wallet_addr: wallet,
    spec: wireSpec(machine),
    capacity,
    ...(miningConfig === undefined ? {} : { mining_config: miningConfig }),
    agent_version: agentVersion,
    ...(encKey === undefined ? {} : { enc_key: encKey }),
    ...(region === undefined ? {} : { region }),
    timestamp: new Date().toISOString(),
  };
}

/** A machine in the wire's form: the `spec` of a registration. */
export function wireSpec(machine: Machine): object {
  return {
    hostname: machine.hostname,
    os: machine.os,
    kernel_ver: machine.kernelVersion,
    architecture: machine.architecture,
    cpu_model: machine.cpuModel,
    cpu_cores: machine.cpuCores,
    cpu_threads: machine.cpuThreads,
    total_memory_mb: machine.totalMemoryMb,
    // Go writes a list that was never made as null, so that is what public agents without GPUs send.
    gpus: machine.gpus.length === 0 ? null : machine.gpus.map(wireGpu),
    total_gpus: machine.gpus.length,
    total_disk_gb: machine.totalDiskGb,
    available_disk_gb: machine.availableDiskGb,
    public_ip: machine.publicIp ?? '',
    private_ip: machine.privateIp,
  };
}

/** The message for `provider:heartbeat`. Usage is in percent; the broker ignores `status`. */
export function heartbeatMessage(beat: {
  providerId: string;
  nodeName: string;
  /** One per GPU. */
  gpuUsage: readonly number[];
  cpuUsage: number;
  memoryUsage: number;
  activeJobs: number;
}): object {
  return {
    provider_id: beat.providerId,
    node_name: beat.nodeName,
    status: 'available',
    gpu_usage: beat.gpuUsage,
    cpu_usage: beat.cpuUsage,
    memory_usage: beat.memoryUsage,
    active_jobs: beat.activeJobs,
    timestamp: new Date().toISOString(),
  };
}

/** The message for `provider:capacity`, sent when a machine's offer no longer matches its registration. */
export function capacityMessage(update: { providerId: string; nodeName: string; capacity: WireCapacity }): object {
  return {
    provider_id: update.providerId,
    node_name: update.nodeName,
    capacity: update.capacity,
    timestamp: new Date().toISOString(),
  };
}

/** A capacity as agents up to 1.0.0 send it: all GPUs have the single type found in `spec.gpus`. */
export function singleTypeCapacity(offer: {
  gpuCount: number;
  cpuCores: number;
  memoryMb: number;
  gpuPricePerHour: number;
}): WireCapacity {
  return {
    gpu_count: offer.gpuCount,
    cpu_cores: offer.cpuCores,
    memory_mb: offer.memoryMb,
    gpu_price_per_hour: offer.gpuPricePerHour,
    // Those agents write times even when they were never set.
    available_from: unsetTime,
    available_until: unsetTime,
  };
}

/** A capacity that counts GPUs by type; it keeps the fields that older brokers read. */
export function capacityByType(offer: Offer, gpus: readonly Gpu[]): WireCapacity {
  const total: Record<string, number> = {};
  for (const { name } of gpus) total[name] = (total[name] ?? 0) + 1;
  const prices = Object.keys(total).map((name) => [name, offer.gpuPricesPerHour[name] ?? offer.gpuPricePerHour]);
  return {
    ...singleTypeCapacity({ ...offer, gpuCount: gpus.length }),
    total_gpus: total,
    gpu_prices_per_hour: Object.fromEntries(prices),
    total_cpu_cores: offer.cpuCores,
    total_memory_mb: offer.memoryMb,
    total_disk_gb: offer.diskGb,
    cpu_price_per_hour: offer.cpuPricePerHour,
    memory_price_per_gb_hr: offer.memoryPricePerGbHour,
    ...(offer.storagePricePerGbHour === 0 ? {} : { storage_price_per_gb_hour: offer.storagePricePerGbHour }),
  };
}

/** The same for people and programs that read it: a time that was never set is left out. */
export function shownCapacity(capacity: WireCapacity): WireCapacity {
  return Object.fromEntries(Object.entries(capacity).filter(([, value]) => value !== unsetTime));
}

function wireGpu(gpu: Gpu): object {
  return {
    index: gpu.index,
    name: gpu.name,
    memory_mb: gpu.memoryMb,
    uuid: gpu.uuid,
    driver_ver: gpu.driverVersion,
    cuda_version: gpu.cudaVersion,
    pci_bus_id: gpu.pciBusId,
  };
}
