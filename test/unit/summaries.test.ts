import { expect, test } from '@jest/globals';
import { earliest, whileWaiting } from '../../workflows/summaries.js';

test('of several moments the earliest decides, with its reason', () => {
  const [late, soon, never] = [
    { atMs: 3, why: 'late' },
    { atMs: 2, why: 'soon' },
    { atMs: Infinity, why: 'never' },
  ];
  expect(earliest(never, late, soon)).toBe(soon);
  expect(earliest(never)).toBe(never);
});

test('a moment says first what is waited for until then', () => {
  const wake = { atMs: 7, why: 'stuck grace 9 s' };
  expect(whileWaiting('stuck, unschedulable', wake)).toEqual({ atMs: 7, why: 'stuck, unschedulable; stuck grace 9 s' });
});
