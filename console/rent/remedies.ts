import type { MarketType, Quote, WhyNot } from '../../src/client/shapes.js';
import { counted, priceText } from '../market/words.js';
import { shortDuration } from '../parts/times.js';
import { numberOf, type OrderForm, type TextField } from './order-form.js';

export type Change = Partial<Record<TextField, string>>;

/** Something that one click changes about an order that nobody takes. */
export interface Remedy {
  label: string;
  change: Change;
}

/** A reason why nobody takes an order, and what would help. */
export interface Refusal {
  text: string;
  remedy: Remedy | undefined;
}

/**
 * Why an order cannot start, with one click for each reason that has one. Where only all together help, there is one
 * click for all of them.
 */
export function refusalsOf({ why_not: reasons, why_not_each: isEach }: Quote): {
  refusals: Refusal[];
  together: Remedy | undefined;
} {
  const refusals = reasons.map((reason) => ({ text: asSentence(reason.text), remedy: remedyOf(reason) }));
  if (isEach || refusals.length < 2) return { refusals, together: undefined };
  const remedies = refusals.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
  const isWhole = remedies.length === refusals.length;
  const change = remedies.reduce<Change>((all, remedy) => ({ ...all, ...remedy.change }), {});
  return {
    refusals: refusals.map(({ text }) => ({ text, remedy: undefined })),
    together: isWhole ? { label: joined(remedies), change } : undefined,
  };
}

/** `Take 4 GPUs, and allow 4.05 an hour`. */
function joined(remedies: readonly Remedy[]): string {
  return remedies
    .map(({ label }, at) => (at === 0 ? label : `${label.slice(0, 1).toLowerCase()}${label.slice(1)}`))
    .join(', and ');
}

const asSentence = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;

function remedyOf({ limit, nearest }: WhyNot): Remedy | undefined {
  if (limit === 'provider_id') return { label: 'Ask every provider', change: { provider: '', region: '' } };
  if (typeof nearest !== 'number') return limit === 'min_cuda' && nearest !== null ? cuda(nearest) : undefined;
  if (!(nearest > 0)) return undefined;
  const whole = String(Math.floor(nearest));
  switch (limit) {
    case 'gpu_count':
      return { label: `Take ${counted(nearest, 'GPU')}`, change: { count: String(nearest) } };
    case 'cpu_cores':
      return { label: `Take ${counted(nearest, 'core')}`, change: { cpu: String(nearest) } };
    case 'memory_gb':
      return nearest < 1 ? undefined : { label: `Take ${whole} GB of memory`, change: { memory: whole } };
    case 'storage_gb':
      return { label: `Take ${whole} GB of disk`, change: { disk: whole } };
    case 'duration_hours':
      return { label: `Rent for ${shortDuration(nearest * 3600)}`, change: { hours: String(nearest) } };
    case 'max_price_per_hour':
      return { label: `Allow ${priceText(nearest)} an hour`, change: { maxPrice: String(nearest) } };
    case 'min_vram_gb':
      return { label: `Take ${nearest} GB of GPU memory`, change: { minVram: String(nearest) } };
    default:
      return undefined;
  }
}

function cuda(nearest: string): Remedy {
  return { label: `Take CUDA ${nearest}`, change: { minCuda: nearest } };
}

const mostAlternatives = 3;

/** Other GPU types of which enough are free at one provider, cheapest first. */
export function alternativesOf(form: Pick<OrderForm, 'gpu' | 'count'>, types: readonly MarketType[]): Remedy[] {
  const count = numberOf(form.count) ?? 1;
  const isAsked = ({ gpu_type: type, aliases }: MarketType) => type === form.gpu || aliases.includes(form.gpu);
  return types
    .filter((type) => !isAsked(type) && type.price !== null && type.most_at_one_provider >= Math.max(1, count))
    .sort((a, b) => a.price!.min - b.price!.min)
    .slice(0, mostAlternatives)
    .map((type) => ({
      label: `${type.name}, ${type.free} free, from ${priceText(type.price!.min)}`,
      change: { gpu: type.gpu_type, provider: '', region: '', minVram: '' },
    }));
}

/** How many machines could take an order; the broker names the best five. */
const mostNamed = 5;

export function machinesText({ can_start: canStart, offers }: Pick<Quote, 'can_start' | 'offers'>): string {
  if (!canStart) return 'No machine can take this now';
  if (offers.length >= mostNamed) return `${mostNamed} machines or more can take this now`;
  return `${counted(offers.length, 'machine')} can take this now`;
}
