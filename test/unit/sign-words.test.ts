import { describe, expect, test } from '@jest/globals';
import { amountInWords, durationInWords, plain } from '../../console/parts/words.js';
import { scopeInWords } from '../../console/sign/words.js';
import { scopes } from '../../src/wire/scopes.js';

const token = { symbol: 'WLC', decimals: 18 };

describe('what the page that asks a wallet says', () => {
  test.each([
    ['0', '0 WLC'],
    ['1', '0.000000000000000001 WLC'],
    ['500000000000000000', '0.5 WLC'],
    ['25500000000000000000', '25.5 WLC'],
    ['1234567000000000000000000', '1 234 567 WLC'],
    [`${2n ** 256n - 1n}`, /^115 792 [0-9 ]+\.584007913129639935 WLC$/],
  ])('%s base units are %s', (baseUnits, words) => {
    const said = amountInWords(baseUnits, token);
    if (typeof words === 'string') expect(said).toBe(words);
    else expect(said).toMatch(words);
  });

  test.each([
    [60, '1 minute'],
    [28_800, '8 hours'],
    [129_600, '1 day 12 hours'],
    [90_061, '1 day 1 hour'],
    [7_776_000, '90 days'],
  ])('%s seconds are %s', (seconds, words) => expect(durationInWords(seconds)).toBe(words));

  test('every scope has words, and an unknown one is named as such', () => {
    for (const scope of scopes) expect(scopeInWords(scope)).not.toContain('does not know');
    expect(scopeInWords('constructor')).toBe('“constructor”, which this page does not know');
  });

  test('text of strangers becomes one short line without signs that hide or reorder', () => {
    expect(plain('a\u202eb\u0007\u001b[31mc\n\u200bd\u00ad\ufeff')).toBe('ab [31mc d');
    expect(plain('x'.repeat(200))).toBe(`${'x'.repeat(79)}…`);
    expect(plain({ toString: () => 'no text' })).toBe('');
  });
});
