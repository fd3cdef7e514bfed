import { expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import { createRecover } from '../../src/auth/recover.js';
import { inTurn, Turns } from '../../src/auth/turns.js';
import { batched } from '../../src/db/batched.js';

const signature: Hex = `0x${'11'.repeat(64)}1b`;
const digest: Hex = `0x${'22'.repeat(32)}`;

/** The order in which those in a queue have their turn. */
function order(queued: readonly (readonly [network: string, who: string])[]): string[] {
  const turns = new Turns();
  const done: string[] = [];
  for (const [network, who] of queued) {
    turns.add({ network, who }, { run: async () => done.push(`${network} ${who}`), drop: () => undefined });
  }
  for (let next = turns.next(); next !== undefined; next = turns.next()) void next.run();
  return done;
}

test('addresses take turns, and within one those who ask from there', () => {
  const queued = [...Array<[string, string]>(3).fill(['a', 'x']), ['a', 'y'], ['b', 'z'], ['c', 'z']] as [
    string,
    string,
  ][];
  expect(order(queued)).toEqual(['a x', 'b z', 'c z', 'a y', 'a x', 'a x']);
});

test('room is made by whoever has most waiting', () => {
  const turns = new Turns();
  const dropped: string[] = [];
  const add = (network: string, who: string) =>
    turns.add({ network, who }, { run: async () => undefined, drop: () => dropped.push(`${network} ${who}`) });
  for (const who of ['x', 'x', 'x', 'y']) add('a', who);
  for (const who of ['z', 'z']) add('b', who);
  for (let at = 0; at < 2; at++) turns.dropFromLongest()!.drop();
  expect(dropped).toEqual(['a x', 'a x']);
  expect(turns.size).toBe(4);
});

test('a flood of signatures from one address keeps nobody else waiting for more than one of them', async () => {
  const recover = createRecover({ maxWaiting: 400 });
  let checked = 0;
  const flood = inTurn({ network: '203.0.113.1', who: 'x' }, () =>
    Promise.allSettled(Array.from({ length: 300 }, () => recover(digest, signature).then(() => checked++))),
  );
  await inTurn({ network: '203.0.113.2', who: 'y' }, () => recover(digest, signature));
  expect(checked).toBeLessThanOrEqual(3);
  // Nor somebody at the same address, who has a key of his own.
  const before = checked;
  await inTurn({ network: '203.0.113.1', who: 'z' }, () => recover(digest, signature));
  expect(checked - before).toBeLessThanOrEqual(3);
  await flood;
});

test('when too many wait, those of the address with most are refused, and nobody else', async () => {
  const recover = createRecover({ maxWaiting: 20 });
  const flood = inTurn({ network: '203.0.113.1', who: 'x' }, () =>
    Promise.allSettled(Array.from({ length: 100 }, () => recover(digest, signature))),
  );
  const mine = inTurn({ network: '203.0.113.2', who: 'y' }, () =>
    Promise.allSettled(Array.from({ length: 5 }, () => recover(digest, signature))),
  );
  expect((await mine).map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'));
  expect((await flood).filter(({ status }) => status === 'rejected').length).toBeGreaterThan(50);
});

test('however many credentials come at once, a few statements look them up', async () => {
  let underWay = 0;
  let most = 0;
  const asked: number[] = [];
  const find = batched(async (keys: readonly string[]) => {
    asked.push(keys.length);
    most = Math.max(most, ++underWay);
    await new Promise((done) => setTimeout(done, 5));
    underWay--;
    return new Map(keys.filter((key) => key.startsWith('good')).map((key) => [key, key.toUpperCase()]));
  });
  const found = await Promise.all(
    Array.from({ length: 1_000 }, (_, at) => find(at % 100 === 7 ? `good${at}` : `bad${at}`)),
  );
  expect(found.filter((value) => value !== undefined)).toHaveLength(10);
  expect(most).toBeLessThanOrEqual(5);
  expect(asked.length).toBeLessThan(10);
});

test('a question that fails is the failure of those who asked it, and of nobody after', async () => {
  let fails = true;
  const find = batched(async (keys: readonly string[]) => {
    if (fails) throw new Error('away');
    return new Map(keys.map((key) => [key, key]));
  });
  await expect(Promise.all([find('a'), find('b')])).rejects.toThrow('away');
  fails = false;
  expect(await find('c')).toBe('c');
});
