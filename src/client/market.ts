import type { Caller } from './caller.js';
import { pagesOf, type Pages } from './pages.js';
import type { Market, MarketHistory, Offer, OfferQuery, Order, Quote, Site, Template } from './shapes.js';

/** How long `site()` answers from memory: what it says changes with a new version of the broker only. */
const siteMs = 300_000;

export interface MarketApi {
  /** Public facts about the broker; kept for five minutes. */
  site(): Promise<Site>;
  /** What can be ordered by a name. */
  templates(): Promise<Template[]>;
  market: {
    /** What there is, what is free, and what it costs. */
    now(): Promise<Market>;
    history(query: { gpuType: string; range?: '24h' | '7d' | '90d' }): Promise<MarketHistory>;
  };
  offers: { list(query?: OfferQuery): Pages<Offer> };
  /**
   * What an order would cost, and who would take it. The order needs no SSH key here. With a login its prices hold for
   * `validSeconds` (60, or up to 300) for an order with its `quote_id`.
   */
  quote(order: Omit<Order, 'quote_id'>, options?: { validSeconds?: number }): Promise<Quote>;
}

export function createMarket(caller: Caller): MarketApi {
  let known: { at: number; site: Promise<Site> } | undefined;
  return {
    site() {
      if (known === undefined || Date.now() - known.at > siteMs) {
        const site = caller.call<Site>('GET /api/v1/site');
        known = { at: Date.now(), site };
        site.catch(() => (known = undefined));
      }
      return known.site;
    },
    templates: async () => (await caller.call<{ templates: Template[] }>('GET /api/v1/templates')).templates,
    market: {
      now: () => caller.call('GET /api/v1/market'),
      history: ({ gpuType, range }) =>
        caller.call('GET /api/v1/market/history', { query: { gpu_type: gpuType, range } }),
    },
    offers: {
      list: (asked = {}) =>
        pagesOf(async (cursor) => {
          const page = await caller.call<{ offers: Offer[]; next_cursor?: string }>('GET /api/v1/offers', {
            query: { ...offerQuery(asked), cursor },
          });
          return { items: page.offers, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
        }),
    },
    quote: (order, { validSeconds } = {}) =>
      caller.call('POST /api/v1/quotes', {
        body: { ...order, ...(validSeconds === undefined ? {} : { valid_seconds: validSeconds }) },
        ...{ safe: true, auth: 'token' },
      }),
  };
}

function offerQuery(asked: OfferQuery) {
  return {
    gpu: asked.gpu,
    count: asked.count,
    min_vram_gb: asked.minVramGb,
    min_cuda: asked.minCuda,
    region: asked.region,
    cpu_cores: asked.cpuCores,
    memory_gb: asked.memoryGb,
    storage_gb: asked.storageGb,
    max_price: asked.maxPrice,
    min_reliability: asked.minReliability,
    sort: asked.sort,
    all: asked.all === undefined ? undefined : String(asked.all),
    limit: asked.limit,
  };
}
