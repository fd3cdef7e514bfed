import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { createTokensAhead } from '../../src/kubernetes/tokens-ahead.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A cluster that makes tokens when it is told to. */
function cluster({ lifeMs = 900_000 } = {}) {
  const asked: { count: number; done(): void; fail(): void }[] = [];
  const discarded: string[] = [];
  let made = 0;
  const tokens = createTokensAhead({
    logger: pino({ level: 'silent' }),
    make: (count, onMade) =>
      new Promise((resolve, reject) => {
        const madeAt = new Date();
        const done = () => {
          for (let left = count; left > 0; left--) {
            const expiresAt = new Date(madeAt.getTime() + lifeMs);
            onMade({ tokenId: `t${++made}`, secret: 's', madeAt, expiresAt });
          }
          resolve();
        };
        asked.push({ count, done, fail: () => reject(new Error('no cluster')) });
      }),
    discard: (left) => (discarded.push(...left.map(({ tokenId }) => tokenId)), Promise.resolve()),
  });
  return { tokens, asked, discarded, counts: () => asked.map(({ count }) => count) };
}
const settled = async () => await jest.advanceTimersByTimeAsync(0);

describe('tokens that are made ahead', () => {
  test('none are made before they are expected, and nobody waits for one', async () => {
    const { tokens, asked } = cluster();
    expect(await tokens.take()).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('as many are made as are expected, first a few, in two batches at most at a time, and none twice', async () => {
    const { tokens, asked, counts } = cluster();
    tokens.expect(300);
    tokens.expect(300);
    expect(counts()).toEqual([16, 64]);
    asked[0]!.done();
    await settled();
    expect(counts()).toEqual([16, 64, 128]);
    for (const at of [1, 2, 3]) {
      asked[at]!.done();
      await settled();
    }
    tokens.expect(300);
    expect(counts()).toEqual([16, 64, 128, 92]);
    const taken = await Promise.all(Array.from({ length: 300 }, () => tokens.take()));
    expect(new Set(taken.map((token) => token?.tokenId)).size).toBe(300);
  });

  test('whoever comes while some are being made gets one of them, in turn, and the rest get none', async () => {
    const { tokens, asked } = cluster();
    tokens.expect(2);
    const waiting = [tokens.take(), tokens.take(), tokens.take()];
    await settled();
    asked[0]!.done();
    await settled();
    expect((await Promise.all(waiting)).map((token) => token?.tokenId)).toEqual(['t1', 't2', undefined]);
  });

  test('one that was given is not made again for the same machine', async () => {
    const { tokens, asked, counts } = cluster();
    tokens.expect(10);
    const waiting = Array.from({ length: 10 }, () => tokens.take());
    asked[0]!.done();
    await Promise.all(waiting);
    await settled();
    expect(counts()).toEqual([10]);
  });

  test('whoever waits for longer than a batch takes makes one himself, and its token is left for another', async () => {
    const { tokens, asked } = cluster();
    tokens.expect(1);
    const waiting = tokens.take();
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await waiting).toBeUndefined();
    asked[0]!.done();
    await settled();
    expect((await tokens.take())?.tokenId).toBe('t1');
  });

  test('when they cannot be made, nobody waits, and the next ones are tried after a pause', async () => {
    const { tokens, asked, counts } = cluster();
    tokens.expect(5);
    const waiting = tokens.take();
    asked[0]!.fail();
    expect(await waiting).toBeUndefined();
    tokens.expect(5);
    expect(counts()).toEqual([5]);
    await jest.advanceTimersByTimeAsync(2_000);
    tokens.expect(5);
    expect(counts()).toEqual([5, 5]);
  });

  test('one that has lost a third of its life is removed instead of given', async () => {
    const { tokens, asked, discarded } = cluster({ lifeMs: 60_000 });
    tokens.expect(1);
    asked[0]!.done();
    await settled();
    await jest.advanceTimersByTimeAsync(20_001);
    expect(await tokens.take()).toBeUndefined();
    expect(discarded).toEqual(['t1']);
  });

  test('one that was put back is given to the next', async () => {
    const { tokens, asked } = cluster();
    tokens.expect(1);
    asked[0]!.done();
    await settled();
    const token = (await tokens.take())!;
    tokens.putBack(token);
    expect(await tokens.take()).toBe(token);
  });

  test('those that are left are removed when the storm is over, and at the stop', async () => {
    const { tokens, asked, discarded } = cluster();
    tokens.expect(2);
    asked[0]!.done();
    await settled();
    tokens.expect(0);
    await jest.advanceTimersByTimeAsync(19_000);
    expect(discarded).toEqual([]);
    await jest.advanceTimersByTimeAsync(1_500);
    expect(discarded).toEqual(['t1', 't2']);
    tokens.expect(1);
    const stopped = tokens.stop();
    asked[1]!.done();
    await stopped;
    expect(discarded).toEqual(['t1', 't2', 't3']);
  });
});
