import { z } from 'zod';
import { gpuOffers } from './gpu-offers.js';
import { machineLimits, providerIdPattern, type ProviderOffer } from './provider.js';
import { orElse, price, text, time, whole, wireList, wireMap, wireValue } from './wire.js';

const { gpus: maxGpus, cpuCores: maxCores, memoryMb: maxMemoryMb, diskGb: maxDiskGb } = machineLimits;

/** The wallet of a provider that named none; it cannot be paid. */
export const noWallet = `0x${'0'.repeat(40)}`;

export const providerIdSchema = z
  .string()
  .regex(providerIdPattern, 'must be 3 to 60 of a-z, 0-9 and -, and begin and end with a letter or digit');

const wallet = z
  .string()
  .regex(/^(0x[0-9a-fA-F]{40})?$/, 'must be an address of 0x and 40 hex digits')
  .nullish()
  .transform((value) => value?.toLowerCase() || undefined);

/** The X25519 public key to seal the answer for, in hex with or without 0x. */
const encKey = z
  .string()
  .regex(/^(?:(?:0x)?[0-9a-fA-F]{64})?$/, 'must be 32 bytes in hex')
  .nullish()
  .transform((value) => value?.replace(/^0x/, '').toLowerCase() || undefined);

const gpuSchema = z
  .object({
    index: whole(maxGpus),
    name: text(128),
    memory_mb: whole(maxMemoryMb),
    uuid: text(128),
    driver_ver: text(64),
    cuda_version: text(64),
    pci_bus_id: text(64),
  })
  .transform((gpu) => ({
    index: gpu.index,
    name: gpu.name,
    memoryMb: gpu.memory_mb,
    uuid: gpu.uuid,
    driverVersion: gpu.driver_ver,
    cudaVersion: gpu.cuda_version,
    pciBusId: gpu.pci_bus_id,
  }));

const specSchema = z
  .object({
    hostname: text(253),
    os: text(128),
    kernel_ver: text(128),
    architecture: text(64),
    cpu_model: text(256),
    cpu_cores: whole(maxCores),
    cpu_threads: whole(maxCores),
    total_memory_mb: whole(maxMemoryMb),
    gpus: wireList(gpuSchema, maxGpus),
    total_gpus: whole(maxGpus),
    total_disk_gb: whole(maxDiskGb),
    available_disk_gb: whole(maxDiskGb),
    public_ip: text(64),
    private_ip: text(64),
    bandwidth: text(64),
  })
  .transform((spec) => ({
    hostname: spec.hostname,
    os: spec.os,
    kernelVersion: spec.kernel_ver,
    architecture: spec.architecture,
    cpuModel: spec.cpu_model,
    cpuCores: spec.cpu_cores,
    cpuThreads: spec.cpu_threads,
    totalMemoryMb: spec.total_memory_mb,
    gpus: spec.gpus,
    totalGpus: spec.total_gpus,
    totalDiskGb: spec.total_disk_gb,
    availableDiskGb: spec.available_disk_gb,
    ...(spec.public_ip === '' ? {} : { publicIp: spec.public_ip }),
    ...(spec.private_ip === '' ? {} : { privateIp: spec.private_ip }),
    ...(spec.bandwidth === '' ? {} : { bandwidth: spec.bandwidth }),
  }));

const emptySpec = () => specSchema.parse({});

const gpuCounts = wireMap(z.number().int().min(0).max(maxGpus), 64).refine(
  (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0) <= maxGpus,
  { message: `counts more than ${maxGpus} GPUs` },
);

/** Ignores what the sender reports as free, rented or mining: the broker's own ledger decides that. */
const capacitySchema = z
  .object({
    gpu_count: whole(maxGpus),
    cpu_cores: whole(maxCores),
    memory_mb: whole(maxMemoryMb),
    gpu_price_per_hour: orElse(price, 0),
    total_gpus: gpuCounts,
    total_cpu_cores: whole(maxCores),
    total_memory_mb: whole(maxMemoryMb),
    total_disk_gb: whole(maxDiskGb),
    gpu_prices_per_hour: wireMap(price, 64),
    cpu_price_per_hour: orElse(price, 0),
    memory_price_per_gb_hr: orElse(price, 0),
    available_from: time,
    available_until: time,
  })
  .transform((capacity) => ({
    gpuCount: capacity.gpu_count,
    cpuCores: capacity.cpu_cores,
    memoryMb: capacity.memory_mb,
    gpuPricePerHour: capacity.gpu_price_per_hour,
    totalGpus: capacity.total_gpus,
    totalCpuCores: capacity.total_cpu_cores,
    totalMemoryMb: capacity.total_memory_mb,
    totalDiskGb: capacity.total_disk_gb,
    gpuPricesPerHour: capacity.gpu_prices_per_hour,
    cpuPricePerHour: capacity.cpu_price_per_hour,
    memoryPricePerGbHour: capacity.memory_price_per_gb_hr,
    ...(capacity.available_from === undefined ? {} : { availableFrom: capacity.available_from }),
    ...(capacity.available_until === undefined ? {} : { availableUntil: capacity.available_until }),
  }));

/** How a provider's idle GPUs should mine. */
export const miningConfigSchema = z
  .object({
    image: text(256),
    gpu_count: whole(maxGpus),
    cpu_cores: whole(maxCores),
    memory_mb: whole(maxMemoryMb),
    wallet_address: wallet,
    extra_args: wireList(wireValue(1_024), 64),
    bootnodes: wireList(wireValue(1_024), 64),
    network_id: whole(Number.MAX_SAFE_INTEGER),
    node_data_dir: text(1_024),
    p2p_port: whole(65_535),
    rpc_enabled: orElse(z.boolean(), false),
    rpc_port: whole(65_535),
    public_ip: text(64),
    env_vars: wireMap(wireValue(4_096), 64),
  })
  .transform((config) => ({
    image: config.image,
    gpuCount: config.gpu_count,
    cpuCores: config.cpu_cores,
    memoryMb: config.memory_mb,
    ...(config.wallet_address === undefined ? {} : { walletAddress: config.wallet_address }),
    extraArgs: config.extra_args,
    bootnodes: config.bootnodes,
    ...(config.network_id === 0 ? {} : { networkId: config.network_id }),
    ...(config.node_data_dir === '' ? {} : { nodeDataDir: config.node_data_dir }),
    ...(config.p2p_port === 0 ? {} : { p2pPort: config.p2p_port }),
    rpcEnabled: config.rpc_enabled,
    ...(config.rpc_port === 0 ? {} : { rpcPort: config.rpc_port }),
    ...(config.public_ip === '' ? {} : { publicIp: config.public_ip }),
    envVars: config.env_vars,
  }));

/** The `data` of a `provider:registration` entry. */
export const registrationSchema = z
  .object({
    provider_id: providerIdSchema,
    wallet_addr: wallet,
    spec: specSchema.nullish().transform((spec) => spec ?? emptySpec()),
    capacity: capacitySchema.nullish().transform((capacity) => capacity ?? capacitySchema.parse({})),
    mining_config: miningConfigSchema.nullish(),
    enc_key: encKey,
    agent_version: text(64),
    timestamp: time,
  })
  .transform((request) => ({
    providerId: request.provider_id,
    /**
     * In lower case; absent if the sender named none. It is a claim, not a proof: see `wallet` of the stored message.
     */
    ...(request.wallet_addr === undefined ? {} : { walletAddr: request.wallet_addr }),
    spec: request.spec,
    capacity: request.capacity,
    ...(request.mining_config == null ? {} : { miningConfig: request.mining_config }),
    ...(request.enc_key === undefined ? {} : { encKey: request.enc_key }),
    ...(request.agent_version === '' ? {} : { agentVersion: request.agent_version }),
    ...(request.timestamp === undefined ? {} : { sentAt: request.timestamp }),
  }));

/** The `data` of a `provider:capacity` entry. */
export const capacityUpdateSchema = z
  .object({
    provider_id: providerIdSchema,
    node_name: text(253),
    capacity: capacitySchema,
    timestamp: time,
  })
  .transform((update) => ({
    providerId: update.provider_id,
    nodeName: update.node_name,
    capacity: update.capacity,
    ...(update.timestamp === undefined ? {} : { sentAt: update.timestamp }),
  }));

export type RegistrationRequest = z.output<typeof registrationSchema>;
export type CapacityUpdate = z.output<typeof capacityUpdateSchema>;
export type SystemSpec = z.output<typeof specSchema>;
export type ProviderCapacity = z.output<typeof capacitySchema>;
export type MiningConfig = z.output<typeof miningConfigSchema>;

/**
 * Converts a capacity update to the form in which registrations are stored. It does not describe the machine (`spec`),
 * which stays as registered.
 */
export function capacityAsRegistration(update: CapacityUpdate): RegistrationRequest {
  return {
    providerId: update.providerId,
    spec: emptySpec(),
    capacity: update.capacity,
    ...(update.sentAt === undefined ? {} : { sentAt: update.sentAt }),
  };
}

/**
 * A provider's offer in one form. New agents count their GPUs by type. Old ones send a total; their types are those of
 * `spec.gpus`: the first ones if they share fewer than the machine has, all if the total is 0. Two names of one type
 * make one offer at the higher price; two memories of one name make two offers. Cores and memory are what the agent
 * shares, not what the machine has; disk is the free disk unless the agent sends another figure.
 */
export function offerOf({ spec, capacity }: Pick<RegistrationRequest, 'spec' | 'capacity'>): ProviderOffer {
  return {
    gpus: gpuOffers(spec, capacity),
    cpuCores: capacity.cpuCores || capacity.totalCpuCores || spec.cpuCores,
    memoryMb: capacity.memoryMb || capacity.totalMemoryMb || spec.totalMemoryMb,
    storageGb: capacity.totalDiskGb || spec.availableDiskGb || spec.totalDiskGb,
    cpuPricePerHour: capacity.cpuPricePerHour,
    memoryPricePerGbHour: capacity.memoryPricePerGbHour,
  };
}

/** A machine's offer after a capacity update. There, 0 GPUs means that it no longer offers any. */
export function offerAfterUpdate(spec: SystemSpec, capacity: ProviderCapacity): ProviderOffer {
  const offersNoGpu = capacity.gpuCount === 0 && Object.keys(capacity.totalGpus).length === 0;
  return offerOf({ spec: offersNoGpu ? { ...spec, gpus: [], totalGpus: 0 } : spec, capacity });
}
