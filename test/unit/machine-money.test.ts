import { describe, expect, test } from '@jest/globals';
import { drainPlan } from '../../console/machines/drain-plan.js';
import { earnedDays, earnedIn } from '../../console/machines/earned-days.js';
import {
  arePricesStale,
  inTheMarket,
  marketOf,
  priceFields,
  pricesToSet,
  readPrice,
} from '../../console/machines/price-fields.js';

const nowMs = Date.parse('2026-11-27T12:00:00.000Z');
const ahead = (seconds: number) => new Date(nowMs + seconds * 1000).toISOString();

describe('earnings by day', () => {
  const rows = [
    { key: '2026-11-27', earned: '9200000000000000000', refunded: '0', seconds: 60 },
    { key: '2026-11-25', earned: '8', refunded: '7', seconds: 1 },
    { key: '2026-01-01', earned: '5', refunded: '0', seconds: 1 },
  ];

  test('a day on which nothing was earned stands between the others, and what was refunded is no earning', () => {
    const days = earnedDays(rows, { nowMs, days: 3 });
    expect(days.map(({ day, earned }) => [day, earned])).toEqual([
      ['2026-11-25', 1n],
      ['2026-11-26', 0n],
      ['2026-11-27', 9_200_000_000_000_000_000n],
    ]);
    expect(earnedIn(days)).toBe('9200000000000000001');
  });

  test('an amount that is none counts as nothing', () => {
    const row = { key: '2026-11-27', earned: '1e9', refunded: '0', seconds: 1 };
    expect(earnedIn(earnedDays([row], { nowMs, days: 2 }))).toBe('0');
    expect(earnedIn(earnedDays([{ ...row, earned: '1', refunded: '3' }], { nowMs, days: 2 }))).toBe('0');
  });
});

describe('what a drain does', () => {
  const decimals = 18;
  const job = { job_id: 'a', status: 'running', expires_at: ahead(7_200), price_per_hour: 1.5 } as const;
  const jobs = [
    job,
    { ...job, job_id: 'b', expires_at: ahead(1_800) },
    { ...job, job_id: 'c', status: 'completed' },
  ] as const;

  test('without a deadline nobody loses anything', () => {
    const plan = drainPlan(jobs, { nowMs, decimals });
    expect(plan).toEqual({ jobs: 2, lastEndsMs: nowMs + 7_200_000, cutShort: [], forgone: 0n });
  });

  test('a deadline cuts short what would go on after it, and costs what that would have brought', () => {
    expect(drainPlan(jobs, { nowMs, deadlineS: 3_600, decimals })).toMatchObject({
      cutShort: [{ jobId: 'a', lostS: 3_600 }],
      forgone: 15n * 10n ** 17n,
    });
    expect(drainPlan(jobs, { nowMs, deadlineS: 0, decimals }).cutShort.map(({ jobId }) => jobId)).toEqual(['a', 'b']);
  });

  test('what is forgone is summed up to the last base unit', () => {
    const cheap = [0.1, 0.2].map((price_per_hour, at) => ({ ...job, job_id: `${at}`, price_per_hour }));
    const hour = { nowMs, deadlineS: 3_600, decimals };
    expect(drainPlan(cheap, hour).forgone).toBe(3n * 10n ** 17n);
  });

  test('a job that has not started has no end yet, so nothing is said of the last one', () => {
    const starting = { job_id: 'd', status: 'provisioning' } as const;
    expect(drainPlan([job, starting], { nowMs, decimals }).lastEndsMs).toBeUndefined();
    expect(drainPlan([job, starting], { nowMs, deadlineS: 60, decimals }).cutShort).toHaveLength(1);
  });
});

const type = (gpuType: string, name: string, price: { min: number; median: number; max: number } | null) => ({
  ...{ gpu_type: gpuType, name, aliases: [], vram_gb: [], total: 1, free: 1, most_at_one_provider: 1, providers: 1 },
  price,
});
const market = [
  type('rtx-4090', 'RTX 4090', { min: 0.4, median: 0.5, max: 0.55 }),
  type('a100-sxm4-80gb', 'A100 SXM4 80GB', null),
];

describe('prices that an owner sets', () => {
  test('a GPU finds its row of the market under the name that its driver has', () => {
    expect(marketOf('NVIDIA GeForce RTX 4090', market)?.gpu_type).toBe('rtx-4090');
    expect(marketOf('NVIDIA A100-SXM4-80GB', market)?.gpu_type).toBe('a100-sxm4-80gb');
    expect(marketOf('NVIDIA GeForce RTX 409', market)).toBeUndefined();
  });

  test('what the machine asks stands beside what its owner has set', () => {
    const capacity = {
      total_gpus: { 'NVIDIA GeForce RTX 4090': 2 },
      gpu_prices_per_hour: { 'NVIDIA GeForce RTX 4090': 0.6 },
    } as unknown as Parameters<typeof priceFields>[0]['capacity'];
    const agent = { gpu: { 'rtx-4090': 0.5 }, cpu: 0, memory_gb: 0, storage_gb: 0 };
    const set = { gpu: { 'rtx-4090': 0.6 }, set_at: ahead(0), agent };
    expect(priceFields({ capacity, owner_prices: set }, market)).toEqual([
      {
        ...{ type: 'NVIDIA GeForce RTX 4090', name: 'RTX 4090', count: 2, price: 0.6, own: 0.5, isSet: true },
        market: { min: 0.4, median: 0.5, max: 0.55 },
      },
    ]);
    expect(priceFields({ capacity }, [])).toMatchObject([{ own: 0.6, isSet: false, market: undefined }]);
  });

  test.each([
    ['0.5', 0.5],
    ['0,5', 0.5],
    [' .5 ', 0.5],
    ['0', 0],
    ['1000000', 1_000_000],
  ])('“%s” is a price', (text, price) => expect(readPrice(text)).toEqual({ price }));

  test.each(['', '-1', '1e3', '0x10', '1 000', '1000000.1', '0.1234567890123', '1,234', '٣'])(
    '“%s” is none',
    (text) => {
      expect(readPrice(text)).toHaveProperty('problem');
    },
  );

  test('a price is compared with those of the others', () => {
    const at = market[0]!.price!;
    expect(inTheMarket(0.3, at, 'WLC')).toMatch(/^Below everything/);
    expect(inTheMarket(0.6, at, 'WLC')).toMatch(/^Above everything/);
    expect(inTheMarket(0.5, at, 'WLC')).toBe('At the median.');
    expect(inTheMarket(0.45, at, 'WLC')).toBe('10 % below the median.');
    expect(inTheMarket(0, at, 'WLC')).toMatch(/^0 leaves the price to the operator/);
    expect(inTheMarket(1, undefined, 'WLC')).toMatch(/^Nobody else/);
  });

  test('a form whose prices were changed elsewhere is stale', () => {
    const prices = (at: number) => ({
      owner_prices: { set_at: ahead(at), agent: { gpu: {}, cpu: 0, memory_gb: 0, storage_gb: 0 } },
    });
    expect([arePricesStale(prices(0), prices(0)), arePricesStale({}, {})]).toEqual([false, false]);
    expect([
      arePricesStale(prices(0), prices(1)),
      arePricesStale({}, prices(0)),
      arePricesStale(prices(0), {}),
    ]).toEqual([...[true, true, true]]);
  });

  test('an empty field is the machine’s own price again, and nothing set at all clears the rest', () => {
    const typed = [
      { type: 'A', price: 0.5 },
      { type: 'B', price: undefined },
    ];
    expect(pricesToSet(typed, { cpu: 0.1 })).toEqual({ gpu: { A: 0.5 }, cpu: 0.1 });
    expect(pricesToSet([{ type: 'A', price: undefined }], {})).toBeUndefined();
    expect(pricesToSet(typed.slice(1), { storageGb: 0.0005 })).toEqual({ gpu: {}, storage_gb: 0.0005 });
  });
});
