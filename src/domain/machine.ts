import { z } from 'zod';
import { machineLimits } from './provider.js';
import { orElse, price, text, time, whole, wireList, wireMap } from './wire.js';

const { gpus: maxGpus, cpuCores: maxCores, memoryMb: maxMemoryMb, diskGb: maxDiskGb } = machineLimits;

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

/** A machine, as its provider describes it. */
export const specSchema = z
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

export const emptySpec = () => specSchema.parse({});

const gpuCounts = wireMap(z.number().int().min(0).max(maxGpus), 64).refine(
  (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0) <= maxGpus,
  { message: `counts more than ${maxGpus} GPUs` },
);

/** A price of 0 is left out: what agents that do not know this price send is stored as it always was. */
export function storagePriceIfAny(price: number | undefined): { storagePricePerGbHour?: number } {
  return price === undefined || price === 0 ? {} : { storagePricePerGbHour: price };
}

/** What a provider offers. Ignores what the sender reports as free, rented or mining: the broker's own ledger decides that. */
export const capacitySchema = z
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
    storage_price_per_gb_hour: orElse(price, 0),
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
    ...storagePriceIfAny(capacity.storage_price_per_gb_hour),
    ...(capacity.available_from === undefined ? {} : { availableFrom: capacity.available_from }),
    ...(capacity.available_until === undefined ? {} : { availableUntil: capacity.available_until }),
  }));

/** `region` is where its owner says that the machine is: no message but a registration says so. */
export type SystemSpec = z.output<typeof specSchema> & { region?: string };
export type ProviderCapacity = z.output<typeof capacitySchema>;
