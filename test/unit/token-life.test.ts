import { expect, test } from '@jest/globals';
import { mostLiveTokens, tokenLifeS } from '../../src/domain/token-life.js';

const ttlS = 900;

test('join tokens live as long as they are set to while there are few, and a minute when there are many', () => {
  expect([0, 1_000].map((live) => tokenLifeS(live, ttlS))).toEqual([ttlS, ttlS]);
  expect(tokenLifeS(2_000, ttlS)).toBe(ttlS / 2);
  expect([mostLiveTokens, 2 * mostLiveTokens].map((live) => tokenLifeS(live, ttlS))).toEqual([60, 60]);
  expect(tokenLifeS(mostLiveTokens, 30)).toBe(30);
});

test.each([1, 14, 100, 150])(
  'when %s machines register a second for an hour and none of them joins, cluster-info has room for all tokens',
  (perSecond) => {
    const expiring = new Map<number, number>();
    let [live, most] = [0, 0];
    for (let second = 0; second < 3_600; second++) {
      live -= expiring.get(second) ?? 0;
      const end = second + tokenLifeS(live, ttlS);
      expiring.set(end, (expiring.get(end) ?? 0) + perSecond);
      live += perSecond;
      most = Math.max(most, live);
    }
    expect(most).toBeLessThan(12_200);
  },
);
