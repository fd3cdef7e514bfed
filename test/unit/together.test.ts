import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { toDependencyError, type Database } from '../../src/db/pool.js';
import { together } from '../../src/db/together.js';
import { BrokerError } from '../../src/domain/errors.js';

const database = {} as Database;

/** What a statement fails with that waited too long for a row. */
const heldUp = () =>
  toDependencyError(Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' })) as Error;

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

test('whoever is held up alone holds up nobody else', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const asked: number[][] = [];
  const read = together(async (_database, keys: readonly number[]) => {
    asked.push([...keys]);
    if (keys.includes(0) && keys.length > 1) throw heldUp();
    if (keys.includes(0)) await held;
    return keys;
  });
  const all = [0, 1, 2].map((key) => read(database, key));
  expect(await Promise.all(all.slice(1))).toEqual([1, 2]);
  expect(await Promise.all([3, 4].map((key) => read(database, key)))).toEqual([3, 4]);
  release();
  expect(await all[0]).toBe(0);
  expect(asked).toEqual([[0, 1, 2], [0], [1], [2], [3, 4]]);
});

test('one that came alone and is held up holds up nobody who comes later', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const read = together(async (_database, keys: readonly number[]) => {
    if (keys.includes(0)) await held;
    return keys;
  });
  const first = read(database, 0);
  await new Promise(setImmediate);
  expect(await Promise.all([1, 2].map((key) => read(database, key)))).toEqual([1, 2]);
  release();
  expect(await first).toBe(0);
});

test('when an outage begins while they are tried alone, the rest are not tried', async () => {
  let alone = 0;
  const read = together<number, number>((_database, keys) => {
    if (keys.length > 1) return Promise.reject(new Error('one of them has no value'));
    alone += 1;
    return Promise.reject(new BrokerError('dependency_unavailable', 'the database is not answering'));
  });
  const keys = Array.from({ length: 64 }, (_, index) => index);
  await Promise.allSettled(keys.map((key) => read(database, key)));
  expect(alone).toBeLessThan(10);
});

test('where everybody is held up, not all are tried alone', async () => {
  let calls = 0;
  const read = together<number, number>(() => {
    calls += 1;
    return Promise.reject(heldUp());
  });
  const keys = Array.from({ length: 64 }, (_, index) => index);
  const all = await Promise.allSettled(keys.map((key) => read(database, key)));
  expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(64);
  expect(calls).toBeLessThan(10);
});

test('a caller is not given the value of another where some are missing', async () => {
  const read = together((_database, keys: readonly number[]) => Promise.resolve(keys.filter((key) => key !== 1)));
  const all = await Promise.allSettled([1, 2].map((key) => read(database, key)));
  expect(all).toMatchObject([
    { status: 'rejected', reason: { message: 'expected 1 values, got 0' } },
    { status: 'fulfilled', value: 2 },
  ]);
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
