import { describe, expect, test } from '@jest/globals';
import { liveSessions, otherSessions, scopesInWords, tokenRows } from '../../console/account/session-rows.js';
import { emptyForm, lifetimesWithin, maySpend, tokenProblems } from '../../console/account/token-form.js';
import { dayBars, labelledDays, roundTop } from '../../console/parts/day-bars.js';
import {
  billRange,
  daysIn,
  daysOf,
  isDay,
  lastDays,
  presetOf,
  problemOf,
  readRange,
} from '../../console/cost/range.js';
import { unitsOf } from '../../console/parts/exact.js';
import { runningSums } from '../../console/cost/running-sums.js';
import type { ListedSession } from '../../src/client/shapes.js';

const nowMs = Date.parse('2026-11-27T23:30:00Z');

describe('the days of a bill', () => {
  test('are those of UTC, with today, and their end is not included at the broker', () => {
    const range = lastDays(7, nowMs);
    expect(range).toEqual({ from: '2026-11-21', to: '2026-11-27' });
    expect(billRange(range)).toEqual({ from: '2026-11-21', to: '2026-11-28' });
    expect([daysIn(range), daysOf(range).length, daysOf(range)[6]]).toEqual([7, 7, '2026-11-27']);
    expect(presetOf(range, nowMs)).toBe(7);
  });

  test('are the usual ones if the address names none that there are', () => {
    const read = (text: string) => readRange(new URLSearchParams(text), nowMs);
    expect(read('from=2026-11-01&to=2026-11-03')).toEqual({ from: '2026-11-01', to: '2026-11-03' });
    expect(read('from=2026-11-05&to=2026-11-03')).toEqual(lastDays(31, nowMs));
    expect(read('from=2020-01-01')).toEqual(lastDays(31, nowMs));
    expect([isDay('2026-02-30'), isDay('2026-02-28'), isDay(null)]).toEqual([false, true, false]);
    expect(problemOf({ from: '', to: '2026-11-03' })).toBeDefined();
  });

  test('have a bar each, on a scale that no bar exceeds', () => {
    const days = daysOf({ from: '2026-11-01', to: '2026-11-03' });
    const { bars, top } = dayBars(days, [{ day: '2026-11-02', amount: '150' }], 2);
    expect(top).toBe(200n);
    expect(bars.map(({ height }) => height)).toEqual([0, 0.75, 0]);
    expect([roundTop(0n, 2), roundTop(100n, 2), roundTop(101n, 2), roundTop(501n, 2)]).toEqual([
      100n,
      100n,
      200n,
      1_000n,
    ]);
    expect(labelledDays(31, 5)).toEqual([0, 8, 15, 23, 30]);
    expect([labelledDays(1, 5), labelledDays(0, 5)]).toEqual([[0], []]);
  });

  test('are followed by what runs now and what is held for it', () => {
    const cost = { spent: '1', reserved: '40', charged: '1', final: false, as_of: '2026-11-27T12:00:00.000Z' };
    const sums = runningSums(
      [
        { status: 'running', price_per_hour: 0.5, cost },
        { status: 'provisioning', price_per_hour: 1, cost },
      ],
      2,
    );
    expect(sums).toEqual({ running: 1, perHour: 50n, reserved: 80n });
  });

  test('have sums to the last base unit, of rates and of prices', () => {
    const cost = { spent: '1', reserved: '0', charged: '1', final: false, as_of: '2026-11-27T12:00:00.000Z' };
    const jobs = [
      ...[0.1, 0.2].map((price_per_hour) => ({ status: 'running' as const, price_per_hour, cost })),
      { status: 'running' as const, price_per_hour: 1e-7, cost: { ...cost, rate_per_hour: '100000000001' } },
    ];
    expect(runningSums(jobs, 18).perHour).toBe(300000100000000001n);
    expect([unitsOf(1e-7, 18), unitsOf(1.5e21, 0), unitsOf(0.129, 2), unitsOf(Number.NaN, 2)]).toEqual([
      ...[100_000_000_000n, 1_500_000_000_000_000_000_000n, 12n, 0n],
    ]);
  });
});

describe('sessions and tokens', () => {
  const session = (id: string, changes: Partial<ListedSession>) =>
    ({
      session_id: id,
      live: true,
      current: false,
      expires_at: '2026-11-28T00:00:00Z',
      scopes: [],
      tokens: [],
      ...changes,
    }) as unknown as ListedSession;
  const token = { token_id: 't1', scopes: ['jobs:read'], expires_at: '2026-11-27T00:00:00Z' };
  const all = [
    session('ended', { live: false, tokens: [token] }),
    session('other', { label: 'laptop', tokens: [{ ...token, token_id: 't2', expires_at: '2026-11-28T00:00:00Z' }] }),
    session('own', { current: true, expires_at: '2026-11-27T00:00:00Z', tokens: [token] }),
  ];

  test('show those that live, this browser first, and never end it with the others', () => {
    expect(liveSessions(all).map(({ session_id }) => session_id)).toEqual(['own', 'other']);
    expect(otherSessions(all).map(({ session_id }) => session_id)).toEqual(['other']);
    expect(tokenRows(all).map(({ tokenId, isOwn }) => [tokenId, isOwn])).toEqual([
      ['t2', false],
      ['t1', true],
    ]);
  });

  test('say what is allowed in words, and an unknown scope by its name', () => {
    expect(scopesInWords(['jobs:read', 'toString'])).toBe('see jobs, toString');
  });

  test('a token needs a right and an amount, and lives no longer than the site allows', () => {
    expect(tokenProblems(emptyForm, 18)).toEqual({});
    expect(Object.keys(tokenProblems({ ...emptyForm, scopes: [], limit: 'much' }, 18))).toEqual(['scopes', 'limit']);
    expect(lifetimesWithin(86_400).map(({ value }) => value)).toEqual(['3600', '28800', '86400']);
    expect(lifetimesWithin(600)).toHaveLength(1);
    expect([maySpend(emptyForm), maySpend({ ...emptyForm, scopes: ['jobs:write'] })]).toEqual([false, true]);
  });
});
