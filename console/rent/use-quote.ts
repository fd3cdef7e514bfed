import type { Order, Quote } from '../../src/client/index.js';
import { broker, login, useResource, type Loaded } from '../live/index.js';
import { useSettled } from '../market/when.js';

const typedMs = 300;
/** Prices and what is free change while somebody fills in the form. */
const everyMs = 15_000;

export interface Quoted {
  quote: Quote;
  /** The machine that stands for the region; undefined if no region was asked for. */
  provider: string | undefined;
  /** Nobody in the region has it. */
  isNobodyThere: boolean;
}

export interface ShownQuote {
  /** Of what stands in the form now. */
  loaded: Loaded<Quoted>;
  /** What is typed is not what is quoted: wait with judging. */
  isSettling: boolean;
}

/**
 * What the order would cost, a moment after the last change. Each order has a reading of its own: an answer to an
 * earlier one is never taken for one to the last.
 *
 * @param order undefined while the form holds no order.
 */
export function useQuote(order: Order | undefined, region: string): ShownQuote {
  const text = order === undefined ? '' : JSON.stringify({ order, region: region.trim() });
  const settled = useSettled(text, typedMs);
  const key = settled === '' ? undefined : `quote:${login.value?.sessionId ?? ''}:${settled}`;
  const loaded = useResource(key, async () => await read(JSON.parse(settled) as { order: Order; region: string }), {
    everyMs,
  });
  return { loaded, isSettling: settled !== text };
}

async function read({ order, region }: { order: Order; region: string }): Promise<Quoted> {
  if (region === '' || order.provider_id !== undefined) {
    return { quote: await broker().quote(order), provider: undefined, isNobodyThere: false };
  }
  const provider = await machineIn(region, order);
  const quote = await broker().quote(provider === undefined ? order : { ...order, provider_id: provider });
  return { quote, provider, isNobodyThere: provider === undefined };
}

/** Orders name machines, not regions: the cheapest there that fits stands for a region. */
export async function machineIn(region: string, order: Order): Promise<string | undefined> {
  const [first] = await broker()
    .offers.list({
      ...(order.gpu_type === undefined ? {} : { gpu: order.gpu_type }),
      ...(order.min_vram_gb === undefined ? {} : { minVramGb: order.min_vram_gb }),
      ...(order.min_cuda === undefined ? {} : { minCuda: order.min_cuda }),
      ...{ region, sort: 'price', limit: 1, count: Math.max(1, order.gpu_count ?? 1) },
      ...{ cpuCores: Number(order.cpu_cores), memoryGb: Number(order.memory_gb), storageGb: Number(order.storage_gb) },
    })
    .all(1);
  return first?.provider_id;
}
