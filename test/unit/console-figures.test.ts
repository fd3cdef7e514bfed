import { describe, expect, test } from '@jest/globals';
import { figureOf, partOf, priceFigure } from '../../console/parts/amounts.js';
import { failureInWords } from '../../console/parts/failures.js';
import { linePoints } from '../../console/parts/line-points.js';
import { ageInWords, clockOf, shortDuration, timeInWords } from '../../console/parts/times.js';
import { plain } from '../../console/parts/words.js';

describe('amounts', () => {
  test.each([
    ['0', '0.00'],
    ['4400000000000000000', '4.40'],
    ['1130000000000000000', '1.13'],
    ['999999999999999999', '0.99'],
    ['9000000000000000', '0.009'],
    ['19900000000000000', '0.0199'],
    ['90000000000000000', '0.09'],
    ['12345000000000', '0.000012'],
    ['1', '< 0.000001'],
    ['-1500000000000000000', '−1.50'],
    ['1234567890000000000000000', '1\u202f234\u202f567.89'],
  ])('%s base units are the figure %s', (units, figure) => expect(figureOf(units, 18)).toBe(figure));

  test('a token without decimals has none', () => expect(figureOf('12', 0)).toBe('12.00'));

  test.each([
    [0.5, '0.50'],
    [0, '0.00'],
    [0.0125, '0.0125'],
    [0.00004, '< 0.0001'],
    [0.05, '0.05'],
    [1234.5, '1\u202f234.50'],
  ])('a price of %s is the figure %s', (price, figure) => expect(priceFigure(price)).toBe(figure));

  test.each([
    ['1', '4', 0.25],
    ['5', '4', 1],
    ['0', '0', 0],
    ['1', '0', 1],
  ])('%s of %s is the part %s', (part, whole, share) => expect(partOf(part, whole)).toBe(share));
});

describe('times', () => {
  test.each([
    [0, '0:00'],
    [-5, '0:00'],
    [59.9, '0:59'],
    [3_599, '59:59'],
    [10_267, '2:51:07'],
    [86_400 * 3 + 15_000, '3 d 04:10'],
  ])('%s seconds are %s on a clock', (seconds, clock) => expect(clockOf(seconds)).toBe(clock));

  test.each([
    [14, '14 s'],
    [180, '3 min'],
    [3_600, '1 h'],
    [7_500, '2 h 5 min'],
    [356_400, '4 d 3 h'],
  ])('%s seconds last %s', (seconds, words) => expect(shortDuration(seconds)).toBe(words));

  test('what is five seconds old is new', () => {
    expect([ageInWords(4_999), ageInWords(14_000)]).toEqual(['just now', 'as of 14 s ago']);
  });

  test('a time says its day only if that is another one, and its year only if that is another one', () => {
    const nowMs = new Date(2026, 10, 27, 12).getTime();
    const words = [new Date(2026, 10, 27, 21, 51), new Date(2026, 10, 26, 9, 5), new Date(2025, 0, 2, 3, 4)];
    expect(words.map((at) => timeInWords(at, nowMs))).toEqual(['21:51', '26 Nov, 09:05', '2 Jan 2025, 03:04']);
    expect(timeInWords(new Date('nonsense'), nowMs)).toBe('');
  });
});

describe('what a stranger wrote', () => {
  test.each([
    ['borealis', 'borealis'],
    ['\u202Egnp.exe', 'gnp.exe'],
    ['a\u0000b\u001b[31mc\u200Bd\uFEFF', 'a b [31mcd'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['two\r\nlines\u2028three', 'two lines three'],
    [42, ''],
    [null, ''],
  ])('%j is shown as %j', (text, shown) => expect(plain(text)).toBe(shown));

  test('at most 80 characters are shown, and none is cut in two', () => {
    const shown = plain('🦦'.repeat(200));
    expect([...shown]).toHaveLength(80);
    expect(shown.endsWith('🦦…')).toBe(true);
  });
});

describe('lines', () => {
  test('a gap in what was measured is a gap in the line', () => {
    const { lines, areas, last } = linePoints([1, 2, null, 3], { width: 64, height: 24 });
    expect(lines).toHaveLength(2);
    expect(areas).toHaveLength(1);
    expect(last).toEqual([62, 2]);
  });

  test.each([[[]], [[null, null]], [[5]], [[5, 5, 5]]])('%j draws without a number that is none', (values) => {
    const { lines } = linePoints(values, { width: 64, height: 24 });
    expect(lines.join(' ')).not.toMatch(/NaN|Infinity/);
  });
});

describe('failures', () => {
  test('one of the broker is called so, and its id is to be told', () => {
    expect(failureInWords({ code: 'internal', status: 500 })).toEqual({
      title: 'The broker has a problem',
      advice: expect.stringContaining('id of the request'),
    });
  });

  test.each([
    { code: 'network', status: 0 },
    { code: 'timeout', status: 0 },
    { code: 'protocol', status: 502 },
    { code: 'internal_error', status: 500 },
  ])('%j of a reading is repeated by itself, and of an action never is', (error) => {
    expect(failureInWords(error, { nextAtMs: 1 }).advice).toContain('It is tried again by itself.');
    for (const failed of [{}, { nextAtMs: undefined }]) {
      expect(failureInWords(error, failed).advice ?? '').not.toMatch(/by itself|not known/);
    }
    const { advice } = failureInWords(error, { action: true });
    expect(advice).toContain('It is not known whether it was done. Look before you try again.');
    expect(advice).not.toContain('by itself');
    expect(failureInWords(error, { action: 'Look at the job.' }).advice).toContain('Look at the job.');
  });

  test('a refusal of an action is known to be one', () => {
    for (const [code, status] of [
      ['job_ended', 409],
      ['validation_failed', 422],
      ['session_expired', 401],
      ['not_logged_in', 0],
    ] as const) {
      expect(failureInWords({ code, status }, { action: true }).advice ?? '').not.toMatch(/not known|by itself/);
    }
    const busy = { code: 'rate_limited', status: 429 };
    expect(failureInWords({ ...busy, retryAfterS: 6.2 }, { action: true }).advice).toBe('Try again in 7 s.');
    expect(failureInWords(busy, { action: true }).advice).toBe('Wait a little, then try again.');
  });

  test('a code that is not known, or is a name of every object, is a refusal', () => {
    expect(failureInWords({ code: 'brand_new', status: 409 }).title).toBe('The broker refuses');
    expect(failureInWords({ code: 'constructor', status: 409 }).title).toBe('The broker refuses');
  });
});
