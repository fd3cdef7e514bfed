import { describe, expect, test } from '@jest/globals';
import { billedTime, reservationFor, type ServiceFacts, type Span } from '../../src/domain/billing.js';
import { createRandom } from '../support/random.js';
import { chargeFor } from '../../src/wire/charge.js';

/** 3.6 tokens an hour: a token for every 1,000 seconds. */
const rate = 3_600_000_000_000_000_000n;
const token = 1_000_000_000_000_000_000n;
const ready = Date.UTC(2026, 10, 25, 12);
const at = (time: string) => {
  const [hours, minutes] = time.replace('-', '').split(':').map(Number) as [number, number];
  return ready + (time.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
};
const gap = (from: string, to: string): Span => ({ fromMs: at(from), toMs: at(to) });

interface Case {
  what: string;
  facts: Partial<ServiceFacts>;
  billedMs: number;
  /** In tokens. */
  amount: string;
}

const cases: Case[] = [
  { what: 'cancelled after ten minutes', facts: { endAtMs: at('0:10') }, billedMs: 600_000, amount: '0.6' },
  { what: 'never ready', facts: { readyAtMs: undefined, endAtMs: at('0:10') }, billedMs: 0, amount: '0' },
  {
    what: 'expired, and its worker came nine hours late',
    facts: { expiresAtMs: at('2:00'), endAtMs: at('11:00') },
    billedMs: 7_200_000,
    amount: '7.2',
  },
  {
    what: 'whose pod ended long before anybody noticed',
    facts: { podEndedAtMs: at('1:05'), endAtMs: at('12:00'), expiresAtMs: at('10:00') },
    billedMs: 3_900_000,
    amount: '3.9',
  },
  ...[
    ['missing', undefined],
    ['in 1970', 0],
    ['in the future', at('5:00')],
  ].map(([what, podEndedAtMs]) => ({
    what: `ended after a minute, the end of whose pod is ${what}`,
    facts: { endAtMs: at('0:01'), podEndedAtMs: podEndedAtMs as number | undefined },
    billedMs: 60_000,
    amount: '0.06',
  })),
  {
    what: 'cancelled while its provider was silent',
    facts: { lastSeenMs: at('2:00'), endAtMs: at('2:04') },
    billedMs: 7_200_000,
    amount: '7.2',
  },
  {
    what: 'given up because its provider stayed silent',
    facts: { lastSeenMs: at('2:00'), endAtMs: at('2:05') },
    billedMs: 7_200_000,
    amount: '7.2',
  },
  {
    what: 'that expired while its provider was silent',
    facts: { lastSeenMs: at('1:58'), expiresAtMs: at('2:00'), endAtMs: at('2:00') },
    billedMs: 7_080_000,
    amount: '7.08',
  },
  {
    what: 'cancelled, whose provider had been away and back',
    facts: { gaps: [gap('0:30', '0:34')], endAtMs: at('1:00') },
    billedMs: 3_360_000,
    amount: '3.36',
  },
  {
    what: 'with two gaps that overlap',
    facts: { gaps: [gap('0:10', '0:20'), gap('0:15', '0:25')], endAtMs: at('1:00') },
    billedMs: 2_700_000,
    amount: '2.7',
  },
  {
    what: 'with gaps that reach beyond its beginning and its end',
    facts: { gaps: [gap('-0:05', '0:01'), gap('0:59', '3:00')], endAtMs: at('1:00') },
    billedMs: 3_480_000,
    amount: '3.48',
  },
  {
    what: 'whose provider was last seen before it was ready',
    facts: { lastSeenMs: at('-0:01'), endAtMs: at('1:00') },
    billedMs: 0,
    amount: '0',
  },
  { what: 'that was served for a millisecond', facts: { endAtMs: ready + 1 }, billedMs: 1, amount: '0.000001' },
];

const tokens = (text: string) => {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole! + fraction.padEnd(18, '0'));
};

test.each(cases.map((entry) => [entry.what, entry] as const))(
  'a job %s is billed for what it was served',
  (_what, { facts, billedMs, amount }) => {
    const billed = billedTime({ readyAtMs: ready, expiresAtMs: at('24:00'), endAtMs: ready, gaps: [], ...facts });
    expect(billed.billedMs).toBe(billedMs);
    expect(chargeFor(rate, billed.billedMs)).toBe(tokens(amount));
  },
);

test('a charge is rounded down and a reservation up', () => {
  expect(chargeFor(1n, 3_599_999)).toBe(0n);
  expect(chargeFor(1n, 3_600_000)).toBe(1n);
  expect(reservationFor(1n, 1)).toBe(1n);
  expect(reservationFor(3_600n, 1)).toBe(1n);
  expect(reservationFor(3_601n, 1)).toBe(2n);
});

// A token an hour is 277,777,777,777,777|.7… units a second.
test.each([
  [token, 1, 277_777_777_777_777n, 277_777_777_777_778n],
  [token, 3_600, token, token],
  [token, 3_601, 1_000_277_777_777_777_777n, 1_000_277_777_777_777_778n],
  [441_050_781_250_000_000n, 7, 857_598_741_319_444n, 857_598_741_319_445n],
  // The dearest machine for a month.
  [1_000_000n * token, 2_592_000, 720_000_000n * token, 720_000_000n * token],
])('at %d an hour, %d seconds cost %d and reserve %d', (rate, seconds, charge, reservation) => {
  expect(chargeFor(rate, seconds * 1_000)).toBe(charge);
  expect(reservationFor(rate, seconds)).toBe(reservation);
});

describe('of 100,000 jobs at random', () => {
  const { next: random, whole: between } = createRandom(7);
  const hour = 3_600_000;
  const some = <T>(value: T): T | undefined => (random() < 0.5 ? value : undefined);
  const span = (): Span => {
    const fromMs = ready + between(-hour, 5 * hour);
    return { fromMs, toMs: fromMs + between(0, hour) };
  };
  const jobs = Array.from({ length: 100_000 }, () => {
    const durationS = between(1, 4 * 3_600);
    const facts: ServiceFacts = {
      readyAtMs: random() < 0.9 ? ready : undefined,
      expiresAtMs: ready + durationS * 1_000,
      endAtMs: ready + between(0, 6 * hour),
      podEndedAtMs: some(ready + between(-hour, 7 * hour)),
      lastSeenMs: some(ready + between(-hour, 7 * hour)),
      gaps: Array.from({ length: between(0, 3) }, span),
    };
    return { durationS, facts, rate: BigInt(between(0, 1e15)) * BigInt(between(1, 1e6)) };
  });
  /** Fails with the first job for which something does not hold. */
  const expectOfAll = (holds: (job: (typeof jobs)[number]) => boolean) =>
    expect(jobs.find((job) => !holds(job))).toBeUndefined();

  test('no job is billed for less than nothing, or for longer than it was rented', () => {
    expectOfAll(({ facts, durationS }) => {
      const { billedMs } = billedTime(facts);
      return Number.isSafeInteger(billedMs) && billedMs >= 0 && billedMs <= durationS * 1_000;
    });
  });

  test('no job costs more than was reserved for it', () => {
    expectOfAll(
      ({ facts, durationS, rate: own }) => chargeFor(own, billedTime(facts).billedMs) <= reservationFor(own, durationS),
    );
  });

  test('no job becomes cheaper by ending later', () => {
    expectOfAll(
      ({ facts }) =>
        billedTime({ ...facts, endAtMs: facts.endAtMs + between(0, hour) }).billedMs >= billedTime(facts).billedMs,
    );
  });

  test('no job becomes dearer by another gap', () => {
    expectOfAll(
      ({ facts }) => billedTime({ ...facts, gaps: [...facts.gaps, span()] }).billedMs <= billedTime(facts).billedMs,
    );
  });

  test('the gaps of a job are sorted, disjoint and within its service', () => {
    expectOfAll(({ facts }) => {
      const { gaps, servedUntilMs } = billedTime(facts);
      return gaps.every(
        ({ fromMs, toMs }, index) =>
          fromMs < toMs && fromMs >= ready && toMs <= servedUntilMs && (index === 0 || gaps[index - 1]!.toMs < fromMs),
      );
    });
  });
});
