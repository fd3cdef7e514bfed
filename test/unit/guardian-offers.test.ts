import { describe, expect, test } from '@jest/globals';
import { mayBeSigned, type Disputed } from '../../src/guardian/disputes.js';
import { agreedCount, neededBy, nonceOf, possibleCounts } from '../../src/guardian/nonces.js';
import { gasFor, isSane, offersIn, offersOf } from '../../src/guardian/offers.js';

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

test('what cannot be signed counts as no answer', () => {
  expect([fee(3n, 5n), fee(-3n, -5n), fee(5n, -1n), { gasPrice: -1n }].filter(isSane)).toEqual([]);
  expect([fee(0n, 0n), fee(5n, 5n), { gasPrice: 0n }].filter(isSane)).toHaveLength(3);
});

describe('where some node says nothing or something else', () => {
  const inRound = (rounds: number, isDisputed = false) => ({ rounds, isDisputed, maxFeeWei: cap });
  const most = (offers: ReturnType<typeof offersIn>) => mostOf(offers[0]);

  test('the cap is offered when nobody else says a price, for it is what the operator allows', () => {
    expect(offersIn({ fees: [], isComplete: false }, inRound(0))).toEqual([fee(1_000n, 2n)]);
    expect(offersIn({ fees: [], isComplete: true }, inRound(0))).toEqual([]);
  });

  test('a price that only one of them names soon counts for little, up to the cap', () => {
    const asked = { fees: [{ maxFeePerGas: 1n, maxPriorityFeePerGas: 0n }], isComplete: false };
    expect(most(offersIn(asked, inRound(0)))).toBe(1n);
    expect(most(offersIn(asked, inRound(7)))).toBe(cap);
    expect(offersIn(asked, inRound(7)).every(isSane)).toBe(true);
  });

  test('a disputed call is offered for the least that is asked for first, and for all that is asked for within minutes', () => {
    const asked = { fees: [fee(900n, 900n), fee(20n, 2n)], isComplete: true };
    expect(most(offersIn(asked, inRound(0, true)))).toBe(20n * gwei);
    expect(most(offersIn(asked, inRound(1, true)))).toBe(80n * gwei);
    expect(most(offersIn(asked, inRound(7, true)))).toBe(cap);
    const cheap = { fees: [{ maxFeePerGas: 1n, maxPriorityFeePerGas: 0n }, fee(20n, 2n)], isComplete: true };
    expect(most(offersIn(cheap, inRound(7, true)))).toBeGreaterThanOrEqual(20n * gwei);
  });
});

describe('gas', () => {
  test('is what the call needs by the highest plausible word, and never too little', () => {
    expect(gasFor([21_000n, 50_000n])).toEqual({ gas: 100_000n, leastGas: 100_000n });
    expect(gasFor([200_000n, 10n ** 12n, -5n])).toEqual({ gas: 240_000n, leastGas: 240_000n });
    expect(gasFor([10n ** 12n])).toEqual({ gas: 1_000_000n, leastGas: 100_000n });
  });

  test('is also the least that a node says, for a wallet that has not enough for more', () => {
    expect(gasFor([1_000_000n, 50_000n])).toEqual({ gas: 1_200_000n, leastGas: 100_000n });
  });
});

describe('how many transactions were mined', () => {
  const all = (...said: number[]) => ({ said, isComplete: true });
  const some = (...said: number[]) => ({ said, isComplete: false });
  const since = (agreed: number, signedSince = 0) => ({ agreed, signedSince });

  test('is what all nodes say, whatever they once agreed on', () => {
    expect(possibleCounts(all(5, 5), since(9))).toEqual([5]);
    expect(possibleCounts(all(400, 400), since(9))).toEqual([400]);
    expect([agreedCount(all(5, 5)), agreedCount(all(5, 6)), agreedCount(some(5))]).toEqual([5, undefined, undefined]);
  });

  test('may be what each of them says before they have agreed, but for what no wallet has sent', () => {
    expect(possibleCounts(all(900, 5), undefined)).toEqual([5, 900]);
    expect(possibleCounts(all(5, 2 ** 53 - 1), undefined)).toEqual([5]);
    expect(agreedCount(all(2 ** 53 - 1, 2 ** 53 - 1))).toBeUndefined();
  });

  test('is hardly less than what they agreed on, and not far more than was signed since', () => {
    expect(possibleCounts(all(0, 5), since(5))).toEqual([5]);
    expect(possibleCounts(all(5, 900), since(5))).toEqual([5]);
    expect(possibleCounts(all(5, 60), since(5, 5))).toEqual([5, 60]);
    expect(possibleCounts(all(5, 61), since(5, 5))).toEqual([5]);
  });

  test('may be less by what a reorganisation takes back, which another node must not hide', () => {
    expect(possibleCounts(all(5, 50), since(6))).toEqual([5, 50]);
  });

  test('may be what they agreed on while one of them does not answer', () => {
    expect(possibleCounts(some(900), since(5))).toEqual([5]);
    expect(possibleCounts(some(7), since(5))).toEqual([5, 7]);
    expect(possibleCounts(some(), since(5))).toEqual([5]);
  });

  test('may be anything again when nothing that is said can be true', () => {
    expect(possibleCounts(all(0, 1), since(5))).toEqual([0, 1]);
  });
});

describe('what a node is handed', () => {
  const call = (nonce: number, purpose: string) => ({ nonce, purpose });
  const calls = [call(900, 'a'), call(5, 'a'), call(6, 'b'), call(7, 'c'), call(8, 'd'), call(2, 'a')];

  test('is what it has not mined yet up to the call, and nothing after it', () => {
    expect(neededBy(6, calls, 'c')).toEqual([call(6, 'b'), call(7, 'c')]);
    expect(neededBy(5, calls, 'c')).toEqual([call(5, 'a'), call(6, 'b'), call(7, 'c')]);
  });

  test('is the call itself at least, whatever the node says of its count', () => {
    expect(neededBy(400, calls, 'c')).toEqual([call(7, 'c')]);
    expect(neededBy(undefined, calls, 'b')).toEqual([call(2, 'a'), call(5, 'a'), call(6, 'b')]);
  });
});

describe('a call that not all nodes think possible', () => {
  const [nowMs, minuteMs] = [10 ** 12, 60_000];
  const before = (count: number, purpose: string, node = 'liar'): Disputed[] =>
    Array.from({ length: count }, (_, at) => ({ node, purpose, atMs: nowMs - 2 * minuteMs - at }));
  const may = (disputed: Disputed[], nodes = ['liar'], purpose = 'veto:8') =>
    mayBeSigned(disputed, { nodes, purpose, nowMs });

  test('is signed at once, and waits twice as long each time that it is signed again', () => {
    expect([may([]), may(before(1, 'veto:8')), may(before(2, 'veto:8')), may(before(3, 'veto:8'))]).toEqual([
      ...[true, true, true, false],
    ]);
  });

  test('is signed so often a day on the word of one node, and that of another counts for itself', () => {
    const all = Array.from({ length: 100 }, (_, at) => before(1, `veto:${100 + at}`)).flat();
    expect(may(all)).toBe(false);
    expect(may(all, ['honest'])).toBe(true);
    expect(may(all.map((each) => ({ ...each, atMs: nowMs - 25 * 60 * minuteMs })))).toBe(true);
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
