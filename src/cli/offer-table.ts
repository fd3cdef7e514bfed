import type { Offer } from '../client/shapes.js';
import { gpuText } from '../words/gpu-text.js';
import { priceText, type Money } from '../words/money.js';
import { reliabilityText } from '../words/reliability.js';
import type { Column } from './terminal/table.js';

/** The columns of `wl offers`, by what a narrow terminal can spare first. */
export function offerColumns(money: Money): Column<Offer>[] {
  const number = (value: number | null | undefined) => (value === null || value === undefined ? '–' : String(value));
  const style = (offer: Offer) => (offer.can_start ? undefined : ('dim' as const));
  return [
    {
      title: 'GPU',
      of: (offer) => gpuText(offer.gpu_model ?? undefined, offer.gpu_type ?? undefined),
      isText: true,
      style,
    },
    { title: 'VRAM GB', of: (offer) => number(offer.vram_gb), align: 'right', keep: 7 },
    { title: 'FREE', of: (offer) => `${offer.free_gpus}/${offer.total_gpus}`, align: 'right' },
    { title: `${money.symbol}/H`, of: (offer) => priceText(offer.price_per_gpu_hour), align: 'right' },
    { title: 'CUDA', of: (offer) => offer.cuda ?? '–', align: 'right', keep: 4 },
    { title: 'REGION', of: (offer) => offer.region ?? '–', keep: 5, isText: true },
    { title: 'RELIABLE', of: (offer) => reliabilityText(offer.reliability), align: 'right', keep: 6 },
    { title: 'CPU', of: (offer) => number(offer.free_cpu_cores), align: 'right', keep: 2 },
    { title: 'MEM GB', of: (offer) => number(Math.floor(offer.free_memory_gb)), align: 'right', keep: 3 },
    { title: 'DISK GB', of: (offer) => number(Math.floor(offer.free_storage_gb)), align: 'right', keep: 1 },
    { title: 'PROVIDER', of: (offer) => offer.provider_id, isText: true },
  ];
}
