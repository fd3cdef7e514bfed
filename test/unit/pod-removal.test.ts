import { describe, expect, test } from '@jest/globals';
import { removalStep, type LeavingPod } from '../../src/domain/pod-removal.js';

const lostMs = 30_000;
const step = (sinceAskedS: number, changes: Partial<LeavingPod> = {}) =>
  removalStep(
    { sinceAskedMs: sinceAskedS * 1_000, graceMs: 5_000, isNodeAnswering: true, isForced: false, ...changes },
    lostMs,
  );

describe('a pod that should be gone', () => {
  test('is removed by force from a node that does not answer for as long as a node may be lost', () => {
    expect(step(30, { isNodeAnswering: false })).toBe('wait');
    expect(step(31, { isNodeAnswering: false })).toBe('force');
  });

  test('is waited for ten times as long on a node that answers, which may be overloaded, and then removed, too', () => {
    expect(step(304)).toBe('wait');
    expect(step(306)).toBe('force');
  });

  test('has what its own manifest gives it before that counts', () => {
    expect(step(899, { graceMs: 600_000 })).toBe('wait');
    expect(step(901, { graceMs: 600_000 })).toBe('force');
  });

  test('is removed by force once, and left if it remains: then something holds its object', () => {
    for (const isNodeAnswering of [true, false]) {
      const forced = { isForced: true, isNodeAnswering };
      expect(step(334, forced)).toBe('wait');
      expect(step(336, forced)).toBe('leave');
    }
  });

  test('is removed by force first, however late somebody looks', () => {
    expect(step(86_400)).toBe('force');
  });

  test('is waited for while nobody asked for its end', () => {
    expect(step(-Infinity)).toBe('wait');
  });
});
