import { z } from 'zod';
import type { AvailabilityPage } from '../../db/gpu-availability.js';
import { isDrained, type ProviderResource, type ProviderRow } from '../../db/provider-reads.js';
import type { SitePrices } from '../../config.js';
import { sentence } from '../../domain/outside.js';
import { priceSources } from '../../domain/gpu-prices.js';
import { whyNotOffered, type OfferFacts } from '../../domain/offers.js';
import { providerStatuses } from '../../wire/statuses.js';

const gpu = z.object({
  index: z.int(),
  name: z.string(),
  memory_mb: z.number(),
  driver_ver: z.string(),
  cuda_version: z.string(),
});

/**
 * A provider as anybody may see it. Facts that identify a machine from the inside (its private address, the uuids and
 * slots of its GPUs) are left out; the numbers in `capacity` are the broker's own, not what the provider last reported.
 */
export const providerReply = z.object({
  provider_id: z.string(),
  wallet_addr: z.string(),
  node_name: z.string().optional(),
  status: z.enum(providerStatuses),
  state_reason: z.string().optional().describe('Why it has this status, if that is not `available`'),
  cordoned: z.boolean().describe('It takes no new jobs, by a command of its owner or of an operator'),
  drained: z.boolean().describe('It is cordoned and has no jobs: it may be turned off'),
  drain_until: z.iso
    .datetime()
    .optional()
    .describe('When the last of its jobs ends; if absent, each ends at its own expiry'),
  retiring: z.boolean().optional().describe('It leaves the fleet after its last job'),
  user_namespaces: z
    .boolean()
    .describe('Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine'),
  not_offered_reason: z
    .string()
    .optional()
    .describe(
      'Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well',
    ),
  region: z.string().optional().describe('Where its owner says that it is'),
  spec: z.object({
    hostname: z.string(),
    os: z.string(),
    kernel_ver: z.string(),
    architecture: z.string(),
    cpu_model: z.string(),
    cpu_cores: z.int(),
    cpu_threads: z.int(),
    total_memory_mb: z.number(),
    gpus: z.array(gpu),
    total_gpus: z.int(),
    total_disk_gb: z.number(),
    available_disk_gb: z.number(),
    public_ip: z.string().optional(),
    bandwidth: z.string().optional(),
  }),
  capacity: z.object({
    gpu_count: z.int(),
    cpu_cores: z.int(),
    memory_mb: z.int(),
    gpu_price_per_hour: z.number().describe('For its first GPU type; `gpu_prices_per_hour` has all'),
    total_gpus: z.record(z.string(), z.int()),
    in_use_gpus: z.record(z.string(), z.int()),
    available_gpus: z.record(z.string(), z.int()),
    gpu_prices_per_hour: z.record(z.string(), z.number()),
    gpu_price_sources: z
      .record(z.string(), z.enum(priceSources))
      .describe("Who set it: the provider, or the site's operator for a provider that names no price"),
    total_cpu_cores: z.int(),
    available_cpu_cores: z.int(),
    total_memory_mb: z.int(),
    available_memory_mb: z.int(),
    total_disk_gb: z.int(),
    available_disk_gb: z.int(),
    cpu_price_per_hour: z.number(),
    memory_price_per_gb_hr: z.number(),
    storage_price_per_gb_hour: z.number(),
    available_from: z.iso.datetime().optional().describe('No job starts before this time'),
    available_until: z.iso.datetime().optional().describe('No job is placed or extended to end after this time'),
  }),
  last_heartbeat: z.iso.datetime().optional(),
  registered_at: z.iso.datetime(),
  joined_at: z.iso.datetime().optional(),
});

type ProviderReply = z.infer<typeof providerReply>;

export const providerListReply = z.object({
  providers: z.array(providerReply),
  count: z.int().describe('The number on this page'),
  next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
});

const near = z
  .array(z.string())
  .optional()
  .describe('Types near to a requested one that is not available; for an unknown name, types that may have been meant');

export const providerSearchReply = providerListReply.omit({ next_cursor: true }).extend({ near });

export const gpuAvailabilityReply = z.object({
  providers: z.array(
    z.object({
      provider_id: z.string(),
      gpu_type: z.string(),
      vram_gb: z.int().optional().describe('Nominal memory of one GPU, if known'),
      total_gpus: z.int(),
      available_gpus: z.int(),
      cluster_online: z.boolean(),
      can_create_job: z.boolean(),
      not_offered_reason: z.string().optional().describe('Why it is not offered, although the machine is well'),
      price_per_hour: z.number().describe('For one GPU'),
      price_source: z.enum(priceSources),
    }),
  ),
  total_gpus: z.int().describe('On all pages'),
  total_available: z.int().describe('On all pages'),
  count: z.int().describe('The number on this page'),
  next_cursor: providerListReply.shape.next_cursor,
  near,
});

export function gpuAvailabilityReplyOf(
  { rows, totalGpus, availableGpus, nextCursor }: AvailabilityPage,
  site: SitePrices,
): z.infer<typeof gpuAvailabilityReply> {
  return {
    providers: rows.map((row) => {
      const reason = notOffered({ ...row, gpus: [{ model: row.gpuModel, pricePerHour: row.pricePerHour }] }, site);
      return {
        provider_id: row.providerId,
        gpu_type: row.gpuType,
        ...(row.vramGb === undefined ? {} : { vram_gb: row.vramGb }),
        total_gpus: row.totalGpus,
        available_gpus: row.availableGpus,
        cluster_online: row.clusterOnline,
        can_create_job: row.canCreateJob,
        ...(reason === undefined ? {} : { not_offered_reason: reason }),
        price_per_hour: row.pricePerHour,
        price_source: row.priceSource,
      };
    }),
    total_gpus: totalGpus,
    total_available: availableGpus,
    count: rows.length,
    ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
  };
}

const notOffered = (facts: OfferFacts, site: SitePrices) =>
  whyNotOffered(facts, { freeJobs: site.ALLOW_FREE_JOBS, now: new Date() });

/** Field by field: what a provider reports about itself is published only where that is intended. */
export function providerReplyOf(provider: ProviderRow, site: SitePrices): ProviderReply {
  const { spec } = provider;
  const gpus = provider.resources.filter(({ kind, total }) => kind === 'gpu' && total > 0);
  // Until the cluster counts some of its GPUs, only the reason can be given.
  const isCounted = provider.joinedAt !== undefined && (gpus.length > 0 || provider.offeredGpus === 0);
  const reason = isCounted ? notOffered({ ...provider, gpus }, site) : provider.gpusReason || undefined;
  return {
    provider_id: provider.providerId,
    wallet_addr: provider.wallet,
    ...(provider.nodeName === undefined ? {} : { node_name: provider.nodeName }),
    status: provider.status,
    ...stateReasonOf(provider),
    cordoned: provider.cordoned,
    drained: isDrained(provider),
    ...(provider.drainUntil === undefined ? {} : { drain_until: provider.drainUntil.toISOString() }),
    ...(provider.retiring ? { retiring: true } : {}),
    user_namespaces: provider.userNamespaces,
    ...(reason === undefined ? {} : { not_offered_reason: reason }),
    ...(spec.region === undefined ? {} : { region: spec.region }),
    spec: {
      hostname: spec.hostname,
      os: spec.os,
      kernel_ver: spec.kernelVersion,
      architecture: spec.architecture,
      cpu_model: spec.cpuModel,
      cpu_cores: spec.cpuCores,
      cpu_threads: spec.cpuThreads,
      total_memory_mb: spec.totalMemoryMb,
      gpus: spec.gpus.map(({ index, name, memoryMb, driverVersion, cudaVersion }) => ({
        index,
        name,
        memory_mb: memoryMb,
        driver_ver: driverVersion,
        cuda_version: cudaVersion,
      })),
      total_gpus: spec.totalGpus,
      total_disk_gb: spec.totalDiskGb,
      available_disk_gb: spec.availableDiskGb,
      ...(spec.publicIp === undefined ? {} : { public_ip: spec.publicIp }),
      ...(spec.bandwidth === undefined ? {} : { bandwidth: spec.bandwidth }),
    },
    capacity: capacityOf(provider),
    ...(provider.lastHeartbeat === undefined ? {} : { last_heartbeat: provider.lastHeartbeat.toISOString() }),
    registered_at: provider.registeredAt.toISOString(),
    ...(provider.joinedAt === undefined ? {} : { joined_at: provider.joinedAt.toISOString() }),
  };
}

/** `busy` says one of several things, and older clients know no other word for them. */
function stateReasonOf({ status, statusReason, cordoned, retiring, resources }: ProviderRow): {
  state_reason?: string;
} {
  if (status === 'available') return {};
  if (status !== 'busy') return statusReason === '' ? {} : { state_reason: sentence(statusReason) };
  if (retiring) return { state_reason: 'it leaves the fleet after its last job' };
  if (cordoned) return { state_reason: 'cordoned: it takes no new jobs' };
  const gpus = resources.filter(({ kind }) => kind === 'gpu');
  const isFull = gpus.length > 0 && gpus.every(({ total, rented }) => total <= rented);
  return { state_reason: isFull ? 'all its GPUs are rented' : 'it runs as many jobs as its machine takes' };
}

/** In the names that existing clients know; a GPU type keeps the provider's name for it. */
function capacityOf(provider: ProviderRow): ProviderReply['capacity'] {
  const { resources, cpuPricePerHour, memoryPricePerGbHour, storagePricePerGbHour } = provider;
  const { availableFrom, availableUntil } = provider;
  const gpus = resources.filter(({ kind }) => kind === 'gpu');
  const byModel = <T>(figure: (resource: ProviderResource) => T): Record<string, T> =>
    Object.fromEntries(gpus.map((resource) => [resource.model, figure(resource)]));
  const one = (kind: ProviderResource['kind']) =>
    resources.find((resource) => resource.kind === kind) ?? { total: 0, rented: 0 };
  const [cpu, memory, storage] = [one('cpu'), one('memory'), one('storage')];
  return {
    gpu_count: gpus.reduce((sum, { total }) => sum + total, 0),
    cpu_cores: cpu.total,
    memory_mb: memory.total,
    gpu_price_per_hour: gpus[0]?.pricePerHour ?? 0,
    total_gpus: byModel(({ total }) => total),
    in_use_gpus: byModel(({ rented }) => rented),
    available_gpus: byModel(({ total, rented }) => total - rented),
    gpu_prices_per_hour: byModel(({ pricePerHour }) => pricePerHour),
    gpu_price_sources: byModel(({ priceSource }) => priceSource),
    total_cpu_cores: cpu.total,
    available_cpu_cores: cpu.total - cpu.rented,
    total_memory_mb: memory.total,
    available_memory_mb: memory.total - memory.rented,
    total_disk_gb: storage.total,
    available_disk_gb: storage.total - storage.rented,
    cpu_price_per_hour: cpuPricePerHour,
    memory_price_per_gb_hr: memoryPricePerGbHour,
    storage_price_per_gb_hour: storagePricePerGbHour,
    ...(availableFrom === undefined ? {} : { available_from: availableFrom.toISOString() }),
    ...(availableUntil === undefined ? {} : { available_until: availableUntil.toISOString() }),
  };
}
