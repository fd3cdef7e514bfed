import { describe, expect, test } from '@jest/globals';
import { awayMs } from '../chaos/kills.js';

const outage = (name: string, fromMs: number, toMs: number) => ({ name, fromMs, toMs });

describe('the time that chaos does not count against the broker', () => {
  test('an outage counts as far as it lies in the span', () => {
    const outages = [outage('api', 0, 3_000), outage('relay', 5_000, 8_000), outage('api', 9_000, Infinity)];
    expect(awayMs(outages, 2_000, 10_000)).toBe(1_000 + 3_000 + 1_000);
    expect(awayMs(outages, 3_000, 5_000)).toBe(0);
  });

  test('a step that died with its worker is waited for, and no moment counts twice', () => {
    const outages = [outage('worker', 0, 5_000), outage('worker', 20_000, 26_000), outage('api', 30_000, 31_000)];
    expect(awayMs(outages, 0, 200_000)).toBe(56_000);
    expect(awayMs(outages, 100_000, 200_000)).toBe(0);
  });
});
