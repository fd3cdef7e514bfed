import { describe, expect, test } from '@jest/globals';
import { isStalled, settlementLateS } from '../../src/domain/settlement-lateness.js';

const hour = 3_600;
const nowMs = Date.UTC(2026, 10, 27);
const settledBefore = (hours: number, delays = { batchDelayS: 12 * hour, exitDelayS: 168 * hour }) => ({
  ...delays,
  settledUntil: new Date(nowMs - hours * hour * 1_000),
});

describe('what is not settled on the chain', () => {
  test.each([
    [0, 0],
    [36, 0],
    [37, 1],
    [60, 24],
  ])(
    'and was booked %i hours ago is %i hours late, of a settlement a day with half a day to veto it',
    (hours, late) => {
      expect(settlementLateS(settledBefore(hours), 24, nowMs)).toBe(late * hour);
    },
  );

  test.each([
    [95.9, false],
    [96.1, true],
  ])('for %d hours stalls orders where customers can leave after a week: %p', (hours, stalled) => {
    expect(isStalled(settledBefore(hours), 24, nowMs)).toBe(stalled);
  });

  test.each([
    ['a demonstration whose customers can leave after a minute', { batchDelayS: 5, exitDelayS: 60 }, 1, 1.9],
    ['a site that settles once a week', { batchDelayS: 12 * hour, exitDelayS: 168 * hour }, 168, 190],
  ])('stalls nothing before it is late: %s', (_, delays, intervalH, hours) => {
    expect(isStalled(settledBefore(hours, delays), intervalH, nowMs)).toBe(false);
    expect(isStalled(settledBefore(hours + 4, delays), intervalH, nowMs)).toBe(true);
  });
});
