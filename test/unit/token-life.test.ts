import { expect, test } from '@jest/globals';
import { isTokenReplaced, mostLiveTokens, tokenLifeS } from '../../src/domain/token-life.js';

const ttlS = 900;

test('join tokens live as long as they are set to while there are few, and a minute when there are many', () => {
  expect([0, 1_000].map((live) => tokenLifeS(live, ttlS))).toEqual([ttlS, ttlS]);
  expect(tokenLifeS(2_000, ttlS)).toBe(ttlS / 2);
  expect([mostLiveTokens, 2 * mostLiveTokens].map((live) => tokenLifeS(live, ttlS))).toEqual([60, 60]);
  expect(tokenLifeS(mostLiveTokens, 30)).toBe(30);
});

/** Those that follow the first one of a machine that does not join: `reissues` in workflows/provider-admission.ts. */
const reissues = 3;

test.each([1, 14, 50, 100, 150])(
  'when %s machines register a second for an hour and none of them joins, cluster-info has room for all tokens',
  (perSecond) => {
    // By the second in which they expire: how many tokens, and how many followed another already.
    const expiring = new Map<number, { count: number; reissued: number }[]>();
    let [live, most] = [0, 0];
    const issue = (second: number, count: number, reissued: number) => {
      const end = second + tokenLifeS(live, ttlS);
      expiring.set(end, [...(expiring.get(end) ?? []), { count, reissued }]);
      live += count;
      most = Math.max(most, live);
    };
    for (let second = 0; second < 3_600; second++) {
      const expired = expiring.get(second) ?? [];
      for (const { count } of expired) live -= count;
      for (const { count, reissued } of expired)
        if (reissued < reissues && isTokenReplaced(live)) issue(second, count, reissued + 1);
      issue(second, perSecond, 0);
    }
    expect(most).toBeLessThan(12_200);
  },
);
