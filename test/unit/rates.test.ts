import { describe, expect, test } from '@jest/globals';
import { reservationFor } from '../../src/domain/billing.js';
import { offerOf, registrationSchema } from '../../src/domain/registration.js';
import { fairShareOf, jobRate, rateOf, type MachinePrices } from '../../src/domain/pricing.js';
import { pricedOffer, pricesOf } from '../../src/domain/owner-prices.js';
import { createRandom } from '../support/random.js';
import { chargeFor } from '../../src/wire/charge.js';

const token = 10n ** 18n;
const prices: MachinePrices = {
  ...{ gpuPrice: '1', cpuPrice: '0', memoryPricePerGb: '0', storagePricePerGb: '0', cheapestGpuPrice: '1' },
  offered: { gpus: 8, cpuCores: 64, memoryMb: 262_144, storageGb: 2_000 },
};
const order = { gpuCount: 1, cpuCores: 4, memoryMb: 16_384, storageGb: 200 };

describe('of 100,000 orders at random', () => {
  const random = createRandom(58);
  /** A price as a whole number of its smallest part, 10^-12 of a token. */
  const pico = () => BigInt(random.pick([0, 1, random.whole(1, 1e6), random.whole(1, 2 ** 40)]));
  const text = (picos: bigint) => `${picos / 10n ** 12n}.${(picos % 10n ** 12n).toString().padStart(12, '0')}`;
  const cases = Array.from({ length: 100_000 }, () => {
    const [gpu, cpu, memory, storage] = [pico(), pico(), pico(), pico()] as const;
    const [gpuCount, cpuCores, memoryMb, storageGb] = [
      ...[random.whole(0, 16), random.whole(1, 256), random.whole(128, 2_000_000), random.whole(1, 20_000)],
    ] as [number, number, number, number];
    return {
      ...{ gpu, cpu, memory, storage, seconds: random.whole(1, 8_000_000), ms: random.whole(0, 8_000_000_000) },
      job: { gpuCount, cpuCores, memoryMb, storageGb },
      rate: jobRate(
        { gpuCount, cpuCores, memoryMb, storageGb },
        {
          ...{ gpuPrice: text(gpu), cpuPrice: text(cpu), memoryPricePerGb: text(memory) },
          ...{ storagePricePerGb: text(storage), cheapestGpuPrice: '0' },
          offered: prices.offered,
        },
      ),
    };
  });
  const expectOfAll = (holds: (each: (typeof cases)[number]) => boolean) =>
    expect(cases.find((each) => !holds(each))).toBeUndefined();

  test('each rate is the list price rounded down: not above it, and less than a base unit below', () => {
    expectOfAll(({ gpu, cpu, memory, storage, job, rate }) => {
      // In 1,024ths of a millionth of a base unit, so that nothing is divided.
      const parts = BigInt(job.gpuCount) * gpu + BigInt(job.cpuCores) * cpu + BigInt(job.storageGb) * storage;
      const exact = (parts * 1_024n + BigInt(job.memoryMb) * memory) * 1_000_000n;
      return rate * 1_024n <= exact && exact < (rate + 1n) * 1_024n;
    });
  });

  test('each charge is rounded down, each reservation up, and no charge for the time exceeds it', () => {
    expectOfAll(({ rate, seconds, ms }) => {
      const [charge, reserved] = [chargeFor(rate, ms), reservationFor(rate, seconds)];
      const [owed, held] = [rate * BigInt(ms), rate * BigInt(seconds) * 1_000n];
      return (
        charge * 3_600_000n <= owed &&
        owed < (charge + 1n) * 3_600_000n &&
        reserved * 3_600_000n >= held &&
        held > (reserved - 1n) * 3_600_000n &&
        chargeFor(rate, seconds * 1_000) <= reserved
      );
    });
  });

  test('a job that is cut into two costs at most a base unit less for it', () => {
    expectOfAll(({ rate, ms }) => {
      const first = Math.floor(ms / 3);
      const lost = chargeFor(rate, ms) - chargeFor(rate, first) - chargeFor(rate, ms - first);
      return lost === 0n || lost === 1n;
    });
  });
});

describe('a price for disk', () => {
  test('is paid for each GB that a job orders, beside the others', () => {
    expect(jobRate(order, { ...prices, storagePricePerGb: '0.0001' })).toBe(rateOf('1.02'));
    const all = { ...prices, cpuPrice: '0.01', memoryPricePerGb: '0.005', storagePricePerGb: '0.000000000001' };
    expect(jobRate(order, all)).toBe(rateOf('1.12') + 200_000_000n);
  });

  test('is part of the list price, not of what makes GPUs unrentable', () => {
    const large = { ...order, storageGb: 1_000 };
    // Half of the disk blocks half of 8 GPUs, and that is more than 1 + 1,000 x 0.001.
    expect(jobRate(large, { ...prices, storagePricePerGb: '0.001' })).toBe(4n * token);
    expect(jobRate(large, { ...prices, storagePricePerGb: '0.01' })).toBe(11n * token);
  });

  const offer = (capacity: object) =>
    offerOf(registrationSchema.parse({ provider_id: 'atlas', capacity: { gpu_count: 1, ...capacity } }));

  test('is read from a registration, and leaves no trace in one that does not name it', () => {
    expect(offer({ storage_price_per_gb_hour: '0.0001' })).toMatchObject({ storagePricePerGbHour: 0.0001 });
    for (const given of [undefined, null, 0, '', '0']) {
      expect(offer({ storage_price_per_gb_hour: given })).toEqual(offer({}));
      expect(offer({ storage_price_per_gb_hour: given })).not.toHaveProperty('storagePricePerGbHour');
    }
  });

  test.each([-1, '1e3', 'free', 1_000_001, [1]])('is refused in a registration when it is %p', (given) => {
    expect(
      registrationSchema.safeParse({ provider_id: 'atlas', capacity: { storage_price_per_gb_hour: given } }).success,
    ).toBe(false);
  });

  test('of the owner stands above the one of the agent, also when it is nothing', () => {
    const agent = offer({ storage_price_per_gb_hour: 0.2 });
    const priced = (owner: object) => pricedOffer(agent, pricesOf(agent), owner).storagePricePerGbHour;
    expect([priced({}), priced({ storage_gb: 0.5 }), priced({ storage_gb: 0 })]).toEqual([0.2, 0.5, undefined]);
    // Prices that an earlier version kept do not name it.
    const { storage_gb: _, ...older } = pricesOf(agent);
    expect(pricedOffer(agent, older, {})).not.toHaveProperty('storagePricePerGbHour');
  });
});

describe('what a GPU brings of its machine', () => {
  test.each([
    ['a large one', [8, 64, 262_144, 2_000], [8, 32_768, 250]],
    ['a small one, where the usual sizes are more', [8, 16, 65_536, 100], [4, 16_384, 20]],
    ['one with less than the usual sizes', [1, 2, 8_192, 10], [2, 8_192, 10]],
    ['one that is not divided evenly', [3, 64, 100_000, 100], [21, 33_333, 33]],
  ] as const)('of %s', (_, [gpus, cpuCores, memoryMb, storageGb], [cpu, memory, storage]) => {
    const share = fairShareOf({ gpus, cpuCores, memoryMb, storageGb })!;
    expect(share).toEqual({ cpuCores: cpu, memoryMb: memory, storageGb: storage });
    // An order of so much for each GPU pays for its GPUs alone, and one core more than a larger share pays for more.
    const of = { ...prices, offered: { gpus, cpuCores, memoryMb, storageGb } };
    expect(jobRate({ gpuCount: 1, ...share }, of)).toBe(token);
    if (cpu > 4) expect(jobRate({ gpuCount: 1, ...share, cpuCores: cpu + 1 }, of)).toBeGreaterThan(token);
  });

  test('of a machine without GPUs is not a question', () => {
    expect(fairShareOf({ gpus: 0, cpuCores: 64, memoryMb: 262_144, storageGb: 2_000 })).toBeUndefined();
  });
});
