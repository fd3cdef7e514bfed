import { describe, expect, test } from '@jest/globals';
import { instant, printable, sentence, wholeNumber } from '../../src/domain/outside.js';
import { printableText } from '../../src/domain/printable.js';

describe('text of a stranger', () => {
  test.each([
    ['a NUL byte', 'a\0b', 'ab'],
    ['an escape sequence', 'a\u001b[31mb', 'a[31mb'],
    ['line breaks', 'a\r\nb\u2028c', 'a b c'],
    ['text that runs backwards', 'a\u202eb', 'ab'],
    ['a zero-width space', 'a\u200bb', 'ab'],
    ['an invisible tag', 'a\u{e0041}b', 'ab'],
    ['half a surrogate pair', 'a\ud800b', 'ab'],
    ['a letter of another plane', 'a😀b', 'a😀b'],
  ])('a text with %s can be stored and printed', (_what, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test.each([
    ['null', null],
    ['nothing', undefined],
    ['a number', 4],
    ['blanks', ' \n '],
    ['a NUL byte alone', '\0'],
  ])('a text that is %s becomes undefined', (_what, value) => {
    expect(printable(value)).toBeUndefined();
  });

  test('a text is cut to its length, never within a character', () => {
    for (let length = 3; length < 12; length++) {
      const shown = printable('😀😀😀😀😀😀😀', length)!;
      expect(shown.length).toBeLessThanOrEqual(length);
      expect(shown).not.toMatch(/\p{Surrogate}/u);
    }
  });

  test('a text of a megabyte is cut as well', () => {
    expect(printable('x'.repeat(1_000_000), 10)).toBe('xxxxxxxxx…');
    expect(sentence(`it said: ${'x'.repeat(1_000_000)}`)).toHaveLength(1_000);
  });

  test.each(['a\u202eb', 'a\u{e0041}b', 'a\ud800b', 'a\u3164b', 'a\u001bb', 'a\nb'])(
    'is refused where it is an answer to a form: %j',
    (text) => {
      expect(printableText(64).safeParse(text).success).toBe(false);
    },
  );
});

describe('a time of a stranger', () => {
  test.each([
    ['null', null],
    ['missing', undefined],
    ['the zero time of Go', '0001-01-01T00:00:00Z'],
    ['the zero time of Go as a date', new Date('0001-01-01T00:00:00Z')],
    ['the epoch', new Date(0)],
    ['no date', new Date(NaN)],
    ['no time', 'yesterday'],
    ['a year with five digits', new Date(253402300800000)],
    ['a number', 1_700_000_000_000],
  ])('a time that is %s becomes undefined', (_what, value) => {
    expect(instant(value)).toBeUndefined();
  });

  test('a time is converted to UTC', () => {
    expect(instant('2026-11-25T12:00:00+09:00')).toBe('2026-11-25T03:00:00.000Z');
    expect(instant(new Date('2026-11-25T12:00:00.5Z'))).toBe('2026-11-25T12:00:00.500Z');
  });
});

test('a number from outside is clamped to its bounds, or becomes undefined', () => {
  const bounds = { min: 0, max: 255 };
  expect([137, 1e300, -1, 3.9, Infinity].map((value) => wholeNumber(value, bounds))).toEqual([137, 255, 0, 3, 255]);
  expect([null, undefined, '137', NaN].map((value) => wholeNumber(value, bounds))).toEqual(
    Array.from({ length: 4 }, () => undefined),
  );
});
