import { expect, test } from '@jest/globals';
import { earliest } from '../../workflows/summaries.js';

test('of several moments the earliest decides, with its reason', () => {
  const [late, soon, never] = [
    { atMs: 3, why: 'late' },
    { atMs: 2, why: 'soon' },
    { atMs: Infinity, why: 'never' },
  ];
  expect(earliest(never, late, soon)).toBe(soon);
  expect(earliest(never)).toBe(never);
});
