import { z } from 'zod';
import type { OfferRow } from '../../db/offer-reads.js';
import type { JobOrder } from '../../domain/job.js';
import { fairShareOf, priceOf } from '../../domain/pricing.js';
import { cudaText, gbOf, whyNotThis } from '../../domain/why-not.js';

/** What one provider has of one GPU type. Figures that nobody knows are null. */
export const offerReply = z
  .object({
    provider_id: z.string(),
    gpu_type: z.string().nullable().describe('Null for an order without GPUs'),
    gpu_model: z.string().nullable().describe("The provider's name for it"),
    vram_gb: z.int().nullable().describe('Nominal memory of one GPU'),
    free_gpus: z.int(),
    total_gpus: z.int(),
    price_per_gpu_hour: z.number().describe('Of one GPU'),
    price_per_hour: z.number().describe('Of a job of the shape that was asked for, as the placement computes it'),
    rate_per_hour: z.string().regex(/^\d+$/).describe('The same exactly, in base units'),
    fair_share: z
      .object({ cpu_cores: z.int(), memory_mb: z.int(), storage_gb: z.int() })
      .nullable()
      .describe('What each GPU brings: a job that takes more than that for each of its GPUs pays for those it blocks'),
    cuda: z.string().nullable().describe('The newest CUDA that its driver supports'),
    driver: z.string().nullable(),
    region: z.string().nullable().describe('Where its owner says that it is'),
    free_cpu_cores: z.int(),
    free_memory_gb: z.number(),
    free_storage_gb: z.int(),
    reliability: z
      .number()
      .nullable()
      .describe('The share of the last 30 days in which it was online; null: not known'),
    can_start: z.boolean().describe('Whether such a job could start there now'),
    why_not: z.string().nullable().describe('Why it could not'),
  })
  .meta({ id: 'Offer' });

export type OfferReply = z.infer<typeof offerReply>;

export const offerListReply = z
  .object({
    offers: z.array(offerReply),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'OfferList' });

export function offerReplyOf(offer: OfferRow, order: JobOrder): OfferReply {
  const { failed, freeGpus: gpus, freeCpuCores: cpuCores, freeMemoryMb: memoryMb, freeStorageGb: storageGb } = offer;
  const whyNot = whyNotThis(order, {
    ...{ failed, gpus, cpuCores, memoryMb, storageGb, rate: offer.rate, models: [] },
    ...(offer.vramGb === undefined ? {} : { vramGb: offer.vramGb }),
    ...(offer.cuda === undefined ? {} : { cuda: offer.cuda }),
    ...(offer.outReason === undefined ? {} : { outReason: offer.outReason }),
  });
  return {
    provider_id: offer.providerId,
    gpu_type: offer.gpuType ?? null,
    gpu_model: offer.gpuModel ?? null,
    vram_gb: offer.vramGb ?? null,
    free_gpus: offer.freeGpus,
    total_gpus: offer.totalGpus,
    price_per_gpu_hour: offer.gpuPricePerHour,
    price_per_hour: priceOf(offer.rate),
    rate_per_hour: offer.rate.toString(),
    fair_share: shareReply(fairShareOf(offer.offered)),
    cuda: offer.cuda === undefined ? null : cudaText(offer.cuda),
    driver: offer.driver ?? null,
    region: offer.region ?? null,
    free_cpu_cores: cpuCores,
    free_memory_gb: gbOf(memoryMb),
    free_storage_gb: storageGb,
    reliability: offer.reliability === undefined ? null : Number(offer.reliability.toFixed(4)),
    can_start: failed.length === 0,
    why_not: whyNot ?? null,
  };
}

function shareReply(share: ReturnType<typeof fairShareOf>): OfferReply['fair_share'] {
  if (share === undefined) return null;
  return { cpu_cores: share.cpuCores, memory_mb: share.memoryMb, storage_gb: share.storageGb };
}
