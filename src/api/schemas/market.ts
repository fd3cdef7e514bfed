import { z } from 'zod';
import type { Market, MarketStep } from '../../db/market.js';
import { aliasesOf } from '../../domain/gpu-aliases.js';
import { gpuNameOf } from '../../domain/why-not.js';

const marketType = z
  .object({
    gpu_type: z.string(),
    name: z.string().describe('As people write it'),
    aliases: z.array(z.string()).describe('Shorter words that mean it here'),
    vram_gb: z.array(z.int()).describe('Nominal memory of one GPU; several if providers have different ones'),
    total: z.int().describe('GPUs at providers that serve customers, rented or not'),
    free: z.int(),
    most_at_one_provider: z.int().describe('Free GPUs that one job could get'),
    providers: z.int(),
    price: z
      .object({ min: z.number(), median: z.number(), max: z.number() })
      .nullable()
      .describe('Of one GPU and hour; null if nobody has set one'),
  })
  .meta({ id: 'MarketType' });

export const marketReply = z
  .object({
    at: z.iso.datetime(),
    gpu_types: z.array(marketType).describe('Most GPUs first; the 200 largest types'),
    total: z.int().describe('Of all types'),
    free: z.int(),
    providers_online: z.int(),
  })
  .meta({ id: 'Market' });

export function marketReplyOf({ types, total, free, providersOnline }: Market, at: Date): z.infer<typeof marketReply> {
  const aliases = aliasesOf(types.map(({ gpuType }) => gpuType));
  return {
    at: at.toISOString(),
    gpu_types: types.map((type) => ({
      gpu_type: type.gpuType,
      name: gpuNameOf(type.gpuType),
      aliases: aliases.get(type.gpuType) ?? [],
      vram_gb: type.vramGb,
      total: type.total,
      free: type.free,
      most_at_one_provider: type.mostAtOneProvider,
      providers: type.providers,
      price: type.price,
    })),
    total,
    free,
    providers_online: providersOnline,
  };
}

const column = <T extends z.ZodType>(of: T) => z.array(of.nullable());

export const marketHistoryReply = z
  .object({
    gpu_type: z.string().describe('As it was asked for; of a family, all its types together'),
    step_s: z.int(),
    from: z.iso.datetime().describe('The beginning of the first step'),
    total: column(z.int()).describe('One value for each step; null where there is no sample'),
    free: column(z.int()),
    price_min: column(z.number()),
    price_median: column(z.number()),
    price_max: column(z.number()),
  })
  .meta({ id: 'MarketHistory' });

export function marketHistoryReplyOf(
  gpuType: string,
  stepS: number,
  steps: readonly MarketStep[],
): z.infer<typeof marketHistoryReply> {
  return {
    gpu_type: gpuType,
    step_s: stepS,
    from: steps[0]!.at.toISOString(),
    total: steps.map(({ total }) => total),
    free: steps.map(({ free }) => free),
    price_min: steps.map((step) => step.price_min),
    price_median: steps.map((step) => step.price_median),
    price_max: steps.map((step) => step.price_max),
  };
}
