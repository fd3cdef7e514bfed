import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Database } from '../../src/db/pool.js';
import { together } from '../../src/db/together.js';
import { BrokerError } from '../../src/domain/errors.js';

const database = {} as Database;

/** Doubles numbers after a moment, and remembers which came together. */
function doubling(idOf?: (key: number) => string) {
  const asked: number[][] = [];
  const double = together(async (_database, keys: readonly number[]) => {
    asked.push([...keys]);
    await sleep(1);
    if (keys.includes(-1)) throw new Error('-1 cannot be doubled');
    return keys.map((key) => key * 2);
  }, idOf);
  return { asked, double };
}

test('callers that come at the same time share a call, and each gets its own value', async () => {
  const { asked, double } = doubling();
  expect(await Promise.all([1, 2, 3].map((key) => double(database, key)))).toEqual([2, 4, 6]);
  expect(asked).toEqual([[1, 2, 3]]);
});

test('whoever comes while a call is under way shares the next one', async () => {
  const { asked, double } = doubling();
  const first = double(database, 1);
  while (asked.length === 0) await new Promise(setImmediate);
  const later = [double(database, 2), double(database, 3)];
  expect(await Promise.all([first, ...later])).toEqual([2, 4, 6]);
  expect(asked).toEqual([[1], [2, 3]]);
});

test('callers of another database share nothing with these', async () => {
  const { asked, double } = doubling();
  await Promise.all([double(database, 1), double({} as Database, 2)]);
  expect(asked).toEqual([[1], [2]]);
});

test('more than 64 are served in several calls', async () => {
  const { asked, double } = doubling();
  const keys = Array.from({ length: 130 }, (_, index) => index);
  expect(await Promise.all(keys.map((key) => double(database, key)))).toEqual(keys.map((key) => key * 2));
  expect(asked.map(({ length }) => length)).toEqual([64, 64, 2]);
});

test('callers with the same id are served one after the other', async () => {
  const { asked, double } = doubling((key) => String(key % 10));
  expect(await Promise.all([1, 11, 2, 21, 1].map((key) => double(database, key)))).toEqual([2, 22, 4, 42, 2]);
  expect(asked).toEqual([[1, 2], [11], [21], [1]]);
});

test('one that fails is told so, and the others get their values', async () => {
  const { asked, double } = doubling();
  const all = await Promise.allSettled([1, -1, 3].map((key) => double(database, key)));
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(all[1]).toMatchObject({ reason: { message: '-1 cannot be doubled' } });
  expect(asked).toEqual([[1, -1, 3], [1], [-1], [3]]);
  // And whoever comes after it is served.
  expect(await double(database, 4)).toBe(8);
});

test('during an outage nobody is tried alone', async () => {
  let calls = 0;
  const fail = together<number>(() => {
    calls += 1;
    return Promise.reject(new BrokerError('dependency_unavailable', 'the database is not answering'));
  });
  const all = await Promise.allSettled([1, 2, 3].map((key) => fail(database, key)));
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(calls).toBe(1);
});

test('work that returns nothing is done for all', async () => {
  const done: number[] = [];
  const note = together((_database, keys: readonly number[]) => Promise.resolve(void done.push(...keys)));
  await Promise.all([note(database, 1), note(database, 2)]);
  expect(done).toEqual([1, 2]);
});
