import { describe, expect, test } from '@jest/globals';
import { headlineOf, inOrder, typeCardOf, typeMeant, vramChoices } from '../../console/market/figures.js';
import {
  activeFilters,
  addressChange,
  filtersOf,
  loosenings,
  offerQueryOf,
  withFilter,
  type Filters,
} from '../../console/market/filters.js';
import { chartSentence, columnsOf, historyRows } from '../../console/market/history.js';
import { extended, rentAddress, rowsOf, updated } from '../../console/market/offer-rows.js';
import { hasRoom, readOffers } from '../../console/market/read-offers.js';
import { rangeOf } from '../../console/market/ranges.js';
import { daysText, smallLineOf } from '../../console/market/small-line.js';
import { priceText } from '../../console/market/words.js';
import { reliabilityText } from '../../src/words/reliability.js';
import type { Pages } from '../../src/client/pages.js';
import type { Market, MarketHistory, MarketType, Offer } from '../../src/client/shapes.js';

const gpu = (changes: Partial<MarketType> = {}): MarketType => ({
  gpu_type: 'rtx-4090',
  name: 'RTX 4090',
  aliases: ['4090'],
  vram_gb: [24],
  total: 12,
  free: 10,
  most_at_one_provider: 8,
  providers: 2,
  price: { min: 0.45, median: 0.5, max: 0.55 },
  ...changes,
});

const offer = (changes: Partial<Offer> = {}): Offer => ({
  provider_id: 'atlas',
  gpu_type: 'rtx-4090',
  gpu_model: 'NVIDIA GeForce RTX 4090',
  vram_gb: 24,
  free_gpus: 4,
  total_gpus: 4,
  price_per_gpu_hour: 0.45,
  price_per_hour: 0.45,
  rate_per_hour: `${45n * 10n ** 16n}`,
  fair_share: null,
  cuda: '12.4',
  driver: '550.54.15',
  region: 'kr-11',
  free_cpu_cores: 32,
  free_memory_gb: 128,
  free_storage_gb: 1000,
  reliability: 1,
  can_start: true,
  why_not: null,
  ...changes,
});

describe('prices and shares in words', () => {
  test.each([
    [0.5, '0.50'],
    [0.0125, '0.0125'],
    [null, '–'],
    [NaN, '–'],
  ])('%s is %s', (price, words) => expect(priceText(price)).toBe(words));

  test('a machine that was away once is never called always online', () => {
    expect(reliabilityText(0.99999)).toBe('99.9 %');
    expect(reliabilityText(1)).toBe('100 %');
    expect(reliabilityText(null)).toBe('new');
  });
});

describe('the figures above the market', () => {
  const market = (...types: MarketType[]): Market => ({
    at: '2026-11-27T00:00:00.000Z',
    gpu_types: types,
    total: 20,
    free: 13,
    providers_online: 1,
  });

  test('the median counts each type as often as it has GPUs', () => {
    const dear = gpu({ gpu_type: 'h200', total: 1, price: { min: 9, median: 9, max: 9 } });
    expect(headlineOf(market(dear, gpu()))).toEqual({ free: 13, total: 20, machines: 1, median: 0.5 });
  });

  test('there is no median where nobody has set a price', () => {
    expect(headlineOf(market(gpu({ price: null }))).median).toBeUndefined();
  });

  test('a card says what is free, from which price, and how many at once', () => {
    const a100 = gpu({
      name: 'A100 SXM4 80GB',
      vram_gb: [80],
      total: 0,
      free: 0,
      price: null,
      most_at_one_provider: 1,
    });
    expect(typeCardOf(gpu())).toMatchObject({ vram: '24 GB', from: '0.45', together: 'up to 8 in one job' });
    expect(typeCardOf(a100)).toMatchObject({ name: 'A100 SXM4', freeShare: 0, from: undefined, together: '' });
  });

  test('a type is found by its key, by a shorter word and by its name', () => {
    const types = [gpu({ gpu_type: 'a100-sxm4-80gb', name: 'A100 SXM4 80GB', aliases: ['a100'] }), gpu()];
    expect(['a100', 'A100 SXM4 80GB', '4090', 'rtx-4090'].map((word) => typeMeant(types, word)?.gpu_type)).toEqual([
      'a100-sxm4-80gb',
      'a100-sxm4-80gb',
      'rtx-4090',
      'rtx-4090',
    ]);
    expect(typeMeant(types, 'h100')).toBeUndefined();
    expect(typeMeant(types, '')).toBeUndefined();
  });

  test('types with something free come first, then those with most GPUs', () => {
    const full = gpu({ gpu_type: 'l40s', total: 99, free: 0 });
    const small = gpu({ gpu_type: 'a100', total: 2, free: 1, vram_gb: [80, 40] });
    expect(inOrder([full, small, gpu()]).map((type) => type.gpu_type)).toEqual(['rtx-4090', 'a100', 'l40s']);
    expect(vramChoices([full, small])).toEqual([24, 40, 80]);
  });
});

describe('filters in the address', () => {
  const all: Filters = {
    gpu: 'rtx-4090',
    count: 2,
    minVramGb: 24,
    maxPrice: 0.6,
    minCuda: '12.4',
    region: 'kr',
    full: true,
    sort: 'free',
  };

  test('what is written into the address is read from it again', () => {
    const change = addressChange(all);
    expect(filtersOf(new URLSearchParams(change as Record<string, string>))).toEqual(all);
  });

  test('filters that are gone leave the address, and nothing else does', () => {
    expect(addressChange({ region: 'de' })).toEqual({
      ...{ gpu: undefined, count: undefined, vram: undefined, price: undefined, cuda: undefined },
      ...{ region: 'de', full: undefined, sort: undefined },
    });
  });

  test('what is no value of a filter is as if it were not there', () => {
    const query = 'gpu=+&count=1.5&vram=-1&price=1e9&cuda=new&full=yes&sort=name&region=' + 'x'.repeat(33);
    expect(filtersOf(new URLSearchParams(query))).toEqual({});
  });

  test('the broker is asked for full ones only where they are asked for', () => {
    expect(offerQueryOf(all)).toMatchObject({ gpu: 'rtx-4090', all: true, minVramGb: 24 });
    expect(offerQueryOf({})).toEqual({});
    expect(withFilter(all, 'gpu', undefined)).not.toHaveProperty('gpu');
  });

  test('filters are named in words, and those that only order are not', () => {
    expect(activeFilters(all, 'WLC', 'RTX 4090').map(({ label }) => label)).toEqual([
      'RTX 4090',
      '2 GPUs in one job',
      'at least 24 GB',
      'at most 0.60 WLC',
      'CUDA 12.4 or newer',
      'in kr',
    ]);
    expect(activeFilters({ full: true, sort: 'free', count: 1 }, 'WLC')).toEqual([]);
  });

  test('those filters are named without which there would be an offer', async () => {
    const asked: Filters[] = [];
    const found = await loosenings(all, activeFilters(all, 'WLC'), async (filters) => {
      asked.push(filters);
      return 'maxPrice' in filters ? undefined : 0.8;
    });
    expect(asked).toHaveLength(6);
    expect(found).toEqual([{ name: 'maxPrice', label: 'at most 0.60 WLC', from: 0.8 }]);
  });
});

describe('rows of offers', () => {
  const [atlas, borealis] = [offer(), offer({ provider_id: 'borealis', price_per_gpu_hour: 0.5 })];

  test('an offer that two pages have is one row', () => {
    expect(rowsOf([atlas, borealis, atlas]).rows).toHaveLength(2);
  });

  const now = (...offers: Offer[]) => ({ offers, hasMore: false, sort: 'price' as const });

  test('rows stay in place while figures change: the gone say so, and the new are counted', () => {
    const before = rowsOf([atlas, borealis]);
    const cheaper = offer({ provider_id: 'borealis', price_per_gpu_hour: 0.4 });
    const after = updated(before, now(offer({ provider_id: 'cirrus' }), cheaper));
    expect(after.fresh).toBe(1);
    expect(after.rows.map(({ offer: { provider_id }, isGone, change }) => [provider_id, isGone, change])).toEqual([
      ['atlas', true, undefined],
      ['borealis', false, 'cheaper'],
    ]);
    expect(updated(after, now(atlas, borealis)).rows[0]).toMatchObject({ isGone: false });
  });

  test('a row that is as it was stays the same object', () => {
    const before = rowsOf([atlas, borealis]);
    const after = updated(before, now(offer({ free_gpus: 1 }), { ...borealis }));
    expect(after.rows[1]).toBe(before.rows[1]);
    expect(after.rows[0]).not.toBe(before.rows[0]);
  });

  test('what may stand on a page that is not read is not called gone', () => {
    const before = rowsOf([atlas, borealis]);
    const cheap = offer({ provider_id: 'cirrus', price_per_hour: 0.1 });
    const isGone = (offers: Offer[], sort: 'price' | 'free' | 'reliability') =>
      updated(before, { offers, hasMore: true, sort }).rows.map((row) => row.isGone);
    expect(isGone([cheap, atlas], 'price')).toEqual([false, false]);
    expect(isGone([cheap, offer({ provider_id: 'x', price_per_hour: 9 })], 'price')).toEqual([true, true]);
    expect(isGone([offer({ provider_id: 'x', free_gpus: 1 })], 'free')).toEqual([true, true]);
    expect(isGone([offer({ provider_id: 'x', reliability: 1 })], 'reliability')).toEqual([false, false]);
  });

  test('further pages come behind, without what is there already', () => {
    const rows = extended(rowsOf([atlas]), [atlas, borealis]).rows;
    expect(rows.map((row) => row.offer.provider_id)).toEqual(['atlas', 'borealis']);
  });

  test('pages are read one after another, and those that are there not again', async () => {
    const asked: [number | undefined, string | undefined][] = [];
    const list = ({ limit }: { limit?: number }) => ({
      ...([] as unknown as Pages<Offer>),
      page: async (cursor?: string) => {
        asked.push([limit, cursor]);
        return { items: [atlas], ...(asked.length < 3 ? { next: `cursor ${asked.length}` } : {}) };
      },
    });
    const first = await readOffers(list, 1);
    const all = await readOffers(list, 9, first);
    expect(asked).toEqual([
      [50, undefined],
      [100, 'cursor 1'],
      [100, 'cursor 2'],
    ]);
    expect(all).toEqual({ pages: [[atlas], [atlas], [atlas]] });
    expect(hasRoom(all)).toBe(true);
    expect(hasRoom({ pages: [Array.from({ length: 300 }, () => atlas)] })).toBe(false);
  });

  test('an offer is rented where it is', () => {
    expect(rentAddress({ gpu: 'rtx-4090', provider: 'a b', count: 2 })).toBe('/rent?gpu=rtx-4090&count=2&provider=a+b');
    expect(rentAddress({ gpu: null })).toBe('/rent');
  });
});

describe('the history of a type', () => {
  const history = (length: number, changes: Partial<MarketHistory> = {}): MarketHistory => {
    const column = (value: number) => Array.from({ length }, () => value);
    return {
      gpu_type: 'rtx-4090',
      step_s: 300,
      from: '2026-11-27T00:00:00.000Z',
      total: column(12),
      free: column(10),
      price_min: column(0.4),
      price_median: column(0.5),
      price_max: column(0.6),
      ...changes,
    };
  };

  test('columns begin at the first sample, and times are those of their values', () => {
    const total = [...Array.from({ length: 80 }, () => null), ...Array.from({ length: 20 }, () => 12)];
    const columns = columnsOf(history(100, { total }))!;
    expect(columns.times).toHaveLength(20);
    expect(columns.times[0]).toBe(Date.parse('2026-11-27T00:00:00.000Z') / 1000 + 80 * 300);
    expect(columns.isShort).toBe(true);
    expect(columnsOf(history(100))!.isShort).toBe(false);
  });

  test('a site of a few minutes shows half an hour, not a line at the edge', () => {
    const total = [...Array.from({ length: 99 }, () => null), 12];
    expect(columnsOf(history(100, { total }))!.times).toHaveLength(6);
    expect(columnsOf(history(3, { total: [null, null, null] }))).toBeUndefined();
  });

  test('the table has the newest first and no empty lines', () => {
    const rows = historyRows(columnsOf(history(3, { total: [12, null, 12], free: [1, null, 3] }))!);
    expect(rows.map((row) => row.free)).toEqual([3, 1]);
  });

  test('the chart is also a sentence', () => {
    expect(chartSentence(columnsOf(history(3))!, String)).toBe('Between 0.4 and 0.6; 10 of 12 GPUs free at the end.');
    const unpriced = columnsOf(history(2, { price_min: [null, null], price_max: [null, null] }))!;
    expect(chartSentence(unpriced, String)).toMatch(/^No prices;/);
  });

  test('a small line covers 30 of the 90 days, from its first value on', () => {
    expect(smallLineOf(history(360, { step_s: 21_600 }))).toMatchObject({ days: 30, values: { length: 120 } });
    const price_median = [null, null, 1, null, 2];
    expect(smallLineOf(history(5, { price_median }))!.values).toEqual([1, null, 2]);
    expect(daysText(30)).toBe('30 d');
    expect(daysText(0.01)).toBe('1 h');
  });

  test('a price that hardly moves is drawn level, and a point is no line', () => {
    const { min, max } = smallLineOf(history(2, { price_median: [1, 1.001] }))!;
    expect(max - min).toBeCloseTo(0.2);
    expect(smallLineOf(history(2, { price_median: [null, 1] }))).toBeUndefined();
  });

  test('an unknown range is the shortest one', () => {
    expect(rangeOf('90d')).toBe('90d');
    expect(rangeOf('1y')).toBe('24h');
    expect(rangeOf(null)).toBe('24h');
  });
});
