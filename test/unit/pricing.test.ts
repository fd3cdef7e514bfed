import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/config.js';
import { whyNotOffered } from '../../src/domain/offers.js';
import { gpuEquivalentsOf, jobRate, priceOf, rateOf, type MachinePrices } from '../../src/domain/pricing.js';
import { describeProblems } from '../../src/domain/wire.js';
import { offerOf, registrationSchema } from '../../src/domain/registration.js';

const token = 10n ** 18n;

/** Eight GPUs at 1.0, and nothing else has a price. */
const machine: MachinePrices = {
  gpuPrice: '1.0',
  cpuPrice: '0',
  memoryPricePerGb: '0',
  storagePricePerGb: '0',
  cheapestGpuPrice: '1.0',
  offered: { gpus: 8, cpuCores: 64, memoryMb: 262_144, storageGb: 2_000 },
};
const order = (gpuCount: number, cpuCores: number, memoryMb: number, storageGb: number) => ({
  gpuCount,
  cpuCores,
  memoryMb,
  storageGb,
});

describe('a job at a machine of 8 GPUs, 64 cores, 256 GB and 2 TB, each GPU at 1.0', () => {
  test.each([
    [1, 4, 16_384, 20, '1'],
    [1, 8, 32_768, 250, '1'],
    [2, 32, 65_536, 500, '4'],
    [1, 63, 16_384, 20, '7.875'],
    [0, 63, 262_144, 1_999, '8'],
    [8, 64, 262_144, 2_000, '8'],
  ])('a job with %i GPUs, %i cores, %i MB and %i GB costs %s', (gpus, cores, memory, storage, price) => {
    const prices = gpus === 0 ? { ...machine, gpuPrice: '0' } : machine;
    expect(jobRate(order(gpus, cores, memory, storage), prices)).toBe(rateOf(price));
  });
});

describe('the GPUs that an order is charged as', () => {
  test.each([
    [1, 4, 16_384, 20, '1'],
    [1, 8, 32_768, 250, '1'],
    [2, 32, 65_536, 500, '4'],
    [1, 63, 16_384, 20, '7.875'],
    [1, 11, 16_384, 20, '1.375'],
    [0, 1, 1_024, 1, '0.125'],
    [0, 0, 0, 0, '0'],
    [1, 4, 16_384, 333, '1.332'],
    [8, 64, 262_144, 2_000, '8'],
  ])('%i GPUs, %i cores, %i MB and %i GB are %s', (gpus, cores, memory, storage, equivalents) => {
    expect(gpuEquivalentsOf(order(gpus, cores, memory, storage), machine.offered)).toBe(equivalents);
  });

  test('a machine without GPUs, or that offers none of something, blocks none', () => {
    const offered = { gpus: 0, cpuCores: 64, memoryMb: 0, storageGb: 2_000 };
    expect(gpuEquivalentsOf(order(0, 63, 16_384, 20), offered)).toBe('0');
  });
});

describe('a rate', () => {
  test('a job’s rate is the list price if its processors and memory make that higher', () => {
    const priced = { ...machine, cpuPrice: '0.1', memoryPricePerGb: '0.05' };
    expect(jobRate(order(1, 4, 16_384, 20), priced)).toBe(rateOf('2.2'));
  });

  // Worked out by hand: 0.4 for a GPU, 0.013 for a core, 0.0021 for 1,024 MB.
  test.each([
    [1, 1, 1, 413_002_050_781_250_000n],
    [1, 1, 3, 413_006_152_343_750_000n],
    [1, 3, 1_000, 441_050_781_250_000_000n],
    [2, 8, 32_768, 971_200_000_000_000_000n],
    [8, 32, 131_072, 3_884_800_000_000_000_000n],
  ])('the rate of a job with %i GPUs, %i cores and %i MB is exact to the last unit', (gpus, cores, memory, rate) => {
    const priced = {
      ...machine,
      gpuPrice: '0.4',
      cheapestGpuPrice: '0.4',
      cpuPrice: '0.013',
      memoryPricePerGb: '0.0021',
    };
    expect(jobRate(order(gpus, cores, memory, 20), priced)).toBe(rate);
  });

  test('a rate is rounded down to a whole unit', () => {
    const least = { ...machine, gpuPrice: '0', cheapestGpuPrice: '0', memoryPricePerGb: '0.000000000001' };
    expect(jobRate(order(1, 1, 1, 20), least)).toBe(976n);
    expect(jobRate(order(1, 1, 1_024, 20), least)).toBe(1_000_000n);
  });

  test('a rate is exact in decimals: three tenths are three tenths, and a third is rounded down', () => {
    expect(jobRate(order(3, 1, 1_024, 1), { ...machine, gpuPrice: '0.1', cheapestGpuPrice: '0.1' })).toBe(
      300_000_000_000_000_000n,
    );
    const three = { ...machine, offered: { ...machine.offered, gpus: 1, cpuCores: 3 } };
    expect(jobRate(order(0, 1, 1_024, 1), three)).toBe(333_333_333_333_333_333n);
  });

  test('on small machines, the floor of a rate applies only above what comes with every GPU', () => {
    const small = { ...machine, offered: { gpus: 8, cpuCores: 16, memoryMb: 65_536, storageGb: 100 } };
    expect(jobRate(order(1, 4, 16_384, 20), small)).toBe(token);
    expect(jobRate(order(1, 5, 16_384, 20), small)).toBe(rateOf('2.5'));
  });

  test('the rate on a machine without GPUs is the list price', () => {
    const plain = {
      ...machine,
      gpuPrice: '0',
      cheapestGpuPrice: '0',
      cpuPrice: '0.01',
      offered: { ...machine.offered, gpus: 0 },
    };
    expect(jobRate(order(0, 64, 262_144, 2_000), plain)).toBe(rateOf('0.64'));
  });

  test('a price is read from any notation of a number, and shown as the nearest number', () => {
    expect(rateOf(1e-7)).toBe(100_000_000_000n);
    expect(rateOf('0.000000000001')).toBe(1_000_000n);
    expect(rateOf(1e12)).toBe(10n ** 30n);
    expect(rateOf(5e-324)).toBe(0n);
    expect(priceOf(7_875_000_000_000_000_000n)).toBe(7.875);
    expect(() => rateOf(NaN)).toThrow(RangeError);
    expect(() => rateOf(-1)).toThrow(RangeError);
  });
});

describe('a price in a registration', () => {
  const read = (price: unknown) =>
    registrationSchema.safeParse({ provider_id: 'atlas', capacity: { gpu_count: 1, gpu_price_per_hour: price } });
  const priceRead = (price: unknown) => offerOf(read(price).data!).gpus[0]!.pricePerHour;

  test.each([
    [0.45, 0.45],
    ['0.45', 0.45],
    ['1000000', 1_000_000],
    ['0.000000000001', 1e-12],
    [0.1 + 0.2, 0.3],
    [1e-300, 0],
    [0, 0],
    ['', 0],
    [null, 0],
    [undefined, 0],
  ])('the price %p is read as %p', (given, expected) => {
    expect(priceRead(given)).toBe(expected);
  });

  test.each([
    ['NaN', 'NaN'],
    ['a number beyond all machines', 1e308],
    ['a number of 400 digits', JSON.parse('1'.repeat(400)) as unknown],
    ['text of 400 digits', '1'.repeat(400)],
    ['text of many decimals', `0.${'1'.repeat(30)}`],
    ['text of more digits than are kept', '123456.1234567891'],
    ['a negative number', -0.1],
    ['negative text', '-0.1'],
    ['an exponent', '1e3'],
    ['a comma', '0,45'],
    ['above a million', 1_000_000.5],
    ['a list', [1]],
  ])('a price that is %s is rejected as no price', (_what, given) => {
    for (const capacity of [
      { gpu_price_per_hour: given },
      { cpu_price_per_hour: given },
      { memory_price_per_gb_hr: given },
      { gpu_prices_per_hour: { 'RTX 4090': given } },
    ]) {
      expect(registrationSchema.safeParse({ provider_id: 'atlas', capacity }).success).toBe(false);
    }
    expect(describeProblems(read(given).error!)).toMatch(/gpu_price_per_hour: is no price from 0 to 1000000/);
  });

  test('the times of an offer can be stored, whatever was written', () => {
    const { capacity } = registrationSchema.parse({
      provider_id: 'atlas',
      capacity: { available_from: '0000-01-01T00:00:00Z', available_until: '9999-12-31T23:59:59-12:00' },
    });
    expect(capacity).not.toHaveProperty('availableFrom');
    expect(capacity).not.toHaveProperty('availableUntil');
  });
});

describe('prices of the operator', () => {
  const read = (text: string) => readConfig({ GPU_DEFAULT_PRICES: text }).GPU_DEFAULT_PRICES;

  test('default prices are read by type, the most specific name first and the wildcard last', () => {
    expect(read('*=0.1, A100=1.2, NVIDIA A100-SXM4-80GB = 1.5,RTX 4090=0.4')).toEqual([
      { type: 'a100-sxm4-80gb', pricePerHour: '1.5' },
      { type: 'rtx-4090', pricePerHour: '0.4' },
      { type: 'a100', pricePerHour: '1.2' },
      { type: '*', pricePerHour: '0.1' },
    ]);
    expect(read('')).toEqual([]);
  });

  test.each([
    ['RTX 4090', /GPU_DEFAULT_PRICES: entry 1 is not NAME=PRICE/],
    ['A100=1,=2', /entry 2 names no GPU type/],
    ['NVIDIA=1', /entry 1 names no GPU type/],
    ['A100=cheap', /entry 1 has no price from 0 to 1000000/],
    ['A100=-1', /entry 1 has no price/],
    ['A100=1e3', /entry 1 has no price/],
    ['A100=2000000', /entry 1 has no price/],
    ['RTX 4090=1,NVIDIA GeForce RTX 4090=2', /entry 2 names the type of an entry before it/],
  ])('default prices such as %s are rejected, and the message says which and why', (text, message) => {
    expect(() => read(text)).toThrow(ConfigError);
    expect(() => read(text)).toThrow(message);
  });

  test('default prices decide whether jobs are free: outside production, unless configured', () => {
    const production = { NODE_ENV: 'production', AUTH_AUDIENCE: 'https://broker.example.com' };
    expect(readConfig({}).ALLOW_FREE_JOBS).toBe(true);
    expect(readConfig(production).ALLOW_FREE_JOBS).toBe(false);
    expect(readConfig({ ...production, ALLOW_FREE_JOBS: 'true' }).ALLOW_FREE_JOBS).toBe(true);
    expect(readConfig({ ALLOW_FREE_JOBS: 'false' }).ALLOW_FREE_JOBS).toBe(false);
  });
});

describe('why a provider is not offered', () => {
  const now = new Date('2026-11-25T12:00:00Z');
  const facts = { gpus: [{ model: 'RTX 4090', pricePerHour: 0.4 }], cpuPricePerHour: 0, memoryPricePerGbHour: 0 };
  const why = (change: object, freeJobs = false) => whyNotOffered({ ...facts, ...change }, { freeJobs, now });
  const free = { model: 'NVIDIA GeForce GTX 1080', pricePerHour: 0 };

  test('a provider is told when nobody has set a price, and for which GPUs', () => {
    expect(why({})).toBeUndefined();
    expect(why({ gpus: [...facts.gpus, free] })).toMatch(/price for NVIDIA GeForce GTX 1080:/);
    expect(why({ gpus: [] })).toMatch(/price for its processors:/);
    expect(why({ gpus: [free] }, true)).toBeUndefined();
    expect(why({ gpus: [free], cpuPricePerHour: 0.01 })).toBeUndefined();
    expect(why({ gpus: [], memoryPricePerGbHour: 0.01 })).toBeUndefined();
  });

  test('a provider is told when it is outside the time that its owner named', () => {
    expect(why({ availableFrom: new Date('2026-11-25T12:00:01Z') })).toMatch(/from 2026-11-25T12:00:01.000Z on/);
    expect(why({ availableUntil: now })).toMatch(/until 2026-11-25T12:00:00.000Z/);
    expect(why({ availableFrom: now, availableUntil: new Date('2026-11-25T12:00:01Z') })).toBeUndefined();
  });
});
