import { z } from 'zod';
import { gpuOffers } from './gpu-offers.js';
import {
  capacitySchema,
  emptySpec,
  specSchema,
  storagePriceIfAny,
  type ProviderCapacity,
  type SystemSpec,
} from './machine.js';
import { machineLimits, providerIdPattern, type ProviderOffer } from './provider.js';
import { orElse, text, time, whole, wireList, wireMap, wireValue } from './wire.js';

const { gpus: maxGpus, cpuCores: maxCores, memoryMb: maxMemoryMb } = machineLimits;

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
    region: text(32),
    timestamp: time,
  })
  .transform((request) => ({
    providerId: request.provider_id,
    /**
     * In lower case; absent if the sender named none. It is a claim, not a proof: see `wallet` of the stored message.
     */
    ...(request.wallet_addr === undefined ? {} : { walletAddr: request.wallet_addr }),
    spec: { ...request.spec, ...(request.region === '' ? {} : { region: request.region }) },
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
    ...storagePriceIfAny(capacity.storagePricePerGbHour),
  };
}

/** A machine's offer after a capacity update. There, 0 GPUs means that it no longer offers any. */
export function offerAfterUpdate(spec: SystemSpec, capacity: ProviderCapacity): ProviderOffer {
  const offersNoGpu = capacity.gpuCount === 0 && Object.keys(capacity.totalGpus).length === 0;
  return offerOf({ spec: offersNoGpu ? { ...spec, gpus: [], totalGpus: 0 } : spec, capacity });
}
