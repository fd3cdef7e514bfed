import { expect, test } from '@jest/globals';
import { sideBySide } from '../../src/side-by-side.js';

test('one that is stuck holds up nobody else, and one that fails is named', async () => {
  let release: (() => void) | undefined;
  const stuck = new Promise<void>((resolve) => (release = resolve));
  const finished: number[] = [];
  const items = Array.from({ length: 10 }, (_, each) => each);
  const all = sideBySide(items, 2, async (item) => {
    if (item === 0) await stuck;
    if (item === 1) throw new Error('refused');
    finished.push(item);
    if (item === 9) release!();
  });
  expect(await all).toEqual([{ item: 1, error: new Error('refused') }]);
  expect(finished).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 0]);
});

test('no more are under way at a time than may be', async () => {
  let underWay = 0;
  let most = 0;
  await sideBySide(Array.from({ length: 20 }), 4, async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 1));
    underWay--;
  });
  expect(most).toBe(4);
});
