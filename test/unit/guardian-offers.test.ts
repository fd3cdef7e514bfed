import { describe, expect, test } from '@jest/globals';
import { nonceOf, possibleCounts } from '../../src/guardian/nonces.js';
import { gasFor, offersOf } from '../../src/guardian/offers.js';

const gwei = 10n ** 9n;
const cap = 1_000n * gwei;
const fee = (most: bigint, tip: bigint) => ({ maxFeePerGas: most * gwei, maxPriorityFeePerGas: tip * gwei });

describe('what the guardian offers for gas', () => {
  test('is one offer where nodes ask for about the same', () => {
    expect(offersOf([fee(20n, 2n), fee(22n, 2n)], 0, cap)).toEqual([fee(22n, 2n)]);
  });

  test('is the most of each part that a node asks for, whatever the other says', () => {
    expect(offersOf([fee(20n, 2n), fee(0n, 0n)], 0, cap)[0]).toEqual(fee(20n, 2n));
    expect(offersOf([fee(30n, 0n), fee(20n, 2n)], 0, cap)[0]).toEqual(fee(30n, 2n));
  });

  test('is also what each node asks for by itself, where another asks for far more', () => {
    expect(offersOf([fee(20n, 2n), fee(900n, 500n)], 0, cap)).toEqual([fee(900n, 500n), fee(20n, 2n)]);
    expect(offersOf([fee(20n, 2n), { gasPrice: 500n * gwei }], 0, cap)).toEqual([
      { gasPrice: 500n * gwei },
      fee(20n, 2n),
    ]);
  });

  test('rises by an eighth with every round, up to the cap', () => {
    let [before] = offersOf([fee(8n, 1n)], 0, cap);
    for (let round = 1; round < 30; round++) {
      const [offer] = offersOf([fee(8n, 1n)], round, cap);
      expect(100n * mostOf(offer)).toBeGreaterThanOrEqual(112n * mostOf(before));
      before = offer;
    }
    expect(mostOf(offersOf([fee(8n, 1n)], 10_000, cap)[0])).toBe(cap);
  });
});

const mostOf = (offer: ReturnType<typeof offersOf>[0] | undefined) =>
  offer !== undefined && 'maxFeePerGas' in offer ? offer.maxFeePerGas : 0n;

test('gas is what the call needs by the highest plausible word, and never too little', () => {
  expect(gasFor([21_000n, 50_000n])).toBe(100_000n);
  expect(gasFor([21_000n, 200_000n, 10n ** 12n])).toBe(240_000n);
  expect(gasFor([10n ** 12n])).toBe(1_000_000n);
});

describe('how many transactions were mined', () => {
  const none = new Set<number>();

  test('is what all nodes say, whatever they once agreed on', () => {
    expect(possibleCounts([5, 5], 9, none)).toEqual([5]);
    expect(possibleCounts([400, 400], 9, none)).toEqual([400]);
  });

  test('may be what each of them says before they have agreed, but for what is no number of transactions', () => {
    expect(possibleCounts([900, 5], undefined, none)).toEqual([5, 900]);
    expect(possibleCounts([5, 2 ** 60], undefined, none)).toEqual([5]);
  });

  test('is no less than what they agreed on, and not far more than was signed since', () => {
    expect(possibleCounts([0, 5], 5, none)).toEqual([5]);
    expect(possibleCounts([5, 900], 5, none)).toEqual([5]);
    expect(possibleCounts([5, 60], 5, new Set([5, 6, 7, 8, 9]))).toEqual([5, 60]);
    expect(possibleCounts([5, 61], 5, new Set([5, 6, 7, 8, 9]))).toEqual([5]);
  });

  test('may be anything again when nothing that is said can be true', () => {
    expect(possibleCounts([3, 4], 5, none)).toEqual([3, 4]);
  });
});

describe('the nonce of a call', () => {
  test('is the first that nothing of ours has', () => {
    expect(nonceOf(5, [], new Set([5, 6, 8]))).toBe(7);
  });

  test('stays what it is while nothing is missing before it', () => {
    expect(nonceOf(5, [6], new Set([5, 6]))).toBe(6);
    expect(nonceOf(5, [900], new Set([900]))).toBe(5);
    expect(nonceOf(7, [6], new Set([5, 6]))).toBe(7);
  });
});
