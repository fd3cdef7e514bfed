import { describe, expect, jest, test } from '@jest/globals';
import { printCsv } from '../../src/cli/csv.js';
import { ask } from '../../src/cli/terminal/ask.js';
import { clean, cleanJson, cleanLines } from '../../src/words/clean.js';
import { painter, wantsColour } from '../../src/cli/terminal/style.js';
import { tableLines, type Column } from '../../src/cli/terminal/table.js';
import { cutMiddle, widthOf, wrap } from '../../src/cli/terminal/width.js';

const plain = painter(false);

interface Row {
  name: string;
  price: number;
  provider: string;
}

const columns: Column<Row>[] = [
  { title: 'NAME', of: ({ name }) => name, isText: true },
  { title: 'WLC/H', of: ({ price }) => price.toFixed(2), align: 'right', keep: 2 },
  { title: 'PROVIDER', of: ({ provider }) => provider, isText: true, keep: 1 },
];
const rows: Row[] = [
  { name: 'train', price: 1, provider: 'borealis' },
  { name: 'a-very-long-name-of-a-job', price: 12.5, provider: 'market-gpu-one' },
];
const lines = (width: number | undefined) => tableLines(columns, rows, { width, paint: plain });

describe('a table', () => {
  test('piped has all columns, whole', () => {
    expect(lines(undefined)).toEqual([
      'NAME                       WLC/H  PROVIDER',
      'train                       1.00  borealis',
      'a-very-long-name-of-a-job  12.50  market-gpu-one',
    ]);
  });

  test('on a terminal loses its least important columns first, then cuts the widest text in its middle', () => {
    expect(lines(40)).toEqual([
      'NAME                       WLC/H',
      'train                       1.00',
      'a-very-long-name-of-a-job  12.50',
    ]);
    expect(lines(26)[2]).toBe('a-very-long-name-of-a-job');
    expect(lines(12)[2]).toBe('a-very…a-job');
  });

  test('never has a line that is wider than the terminal', () => {
    const wide: Row[] = [...rows, { name: '漢字'.repeat(20), price: 3, provider: 'é'.repeat(50) }];
    for (let width = 1; width < 120; width++) {
      for (const line of tableLines(columns, wide, { width, paint: plain })) {
        expect(widthOf(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  test('shows nothing of a stranger that a terminal obeys', () => {
    const hostile = {
      name: 'RTX\u001b]0;owned\u0007 \u202e4090\u009b2J\r\nROW',
      price: 1,
      provider: '\u0000\u200b\ufeff',
    };
    const shown = tableLines(columns, [hostile], { width: undefined, paint: plain }).join('\n');
    expect(shown.replaceAll('\n', '')).not.toMatch(
      /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/,
    );
    expect(shown).toContain('RTX]0;owned 40902J ROW');
  });
});

describe('texts', () => {
  test('are cut in their middle to exactly the columns that there are', () => {
    expect(cutMiddle('abcdefghij', 10)).toBe('abcdefghij');
    expect(cutMiddle('abcdefghij', 5)).toBe('ab…ij');
    expect(widthOf(cutMiddle('漢字漢字漢字', 5))).toBeLessThanOrEqual(5);
    expect(cutMiddle('abc', 0)).toBe('');
  });

  test('are wrapped between words, keep their first indent, and no word is broken', () => {
    expect(wrap('  one two three', 9, '    ')).toEqual(['  one two', '    three']);
    expect(wrap('a https://example.com/long b', 8)).toEqual(['a', 'https://example.com/long', 'b']);
  });

  test('lose marks that are stacked without end, and keep one or two', () => {
    expect(clean(`e\u0301${'\u0301'.repeat(50)}`)).toHaveLength(3);
  });

  test('in JSON are the same text with what a terminal obeys escaped', () => {
    const value = { gpu: 'A\u001b[2J\u202e\u009b\u2028' };
    expect(JSON.parse(cleanJson(value))).toEqual(value);
    expect(cleanJson(value)).not.toMatch(/[\u001b\u009b\u202e\u2028]/);
  });
});

test('colour: NO_COLOR and --no-color forbid it, FORCE_COLOR asks for it, else a terminal that is not dumb gets it', () => {
  const tty = { isTTY: true };
  expect(wantsColour(tty, {}, false)).toBe(true);
  expect(wantsColour({}, {}, false)).toBe(false);
  expect(wantsColour(tty, { TERM: 'dumb' }, false)).toBe(false);
  expect(wantsColour({}, { FORCE_COLOR: '1' }, false)).toBe(true);
  expect(wantsColour(tty, { FORCE_COLOR: '0' }, false)).toBe(false);
  expect(wantsColour(tty, { NO_COLOR: '1', FORCE_COLOR: '1' }, false)).toBe(false);
  expect(wantsColour(tty, { NO_COLOR: '' }, false)).toBe(true);
  expect(wantsColour(tty, { FORCE_COLOR: '1' }, true)).toBe(false);
});

test('a text of several lines keeps them, and nothing else that a terminal obeys', () => {
  expect(cleanLines('Error: a\u001b[2J\r\n    at b\u009b\n')).toBe('Error: a[2J \n    at b\n');
});

test('a question has nothing that a terminal obeys', async () => {
  const written: string[] = [];
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const stop = new AbortController();
  const asking = ask('How much, in W\u001b[2JLC? ', stop.signal);
  stop.abort();
  await expect(asking).rejects.toThrow();
  write.mockRestore();
  expect(written.join('')).toContain('How much, in W[2JLC? ');
  expect(written.join('')).not.toContain('\u001b[2J');
});

test('no text in CSV is a formula, also one that begins like a number', () => {
  const printed: string[] = [];
  const names = ['=1+1', '-1+cmd|x', ' @a', '\uff1d1', 'a,b', 'plain'];
  printCsv(
    { print: (line) => void printed.push(line) },
    names.map((name) => ({ name, spent: '12', seconds: -1 })),
  );
  expect(printed).toEqual([
    'name,spent,seconds',
    ...["'=1+1", "'-1+cmd|x", "' @a", "'\uff1d1", '"a,b"', 'plain'].map((cell) => `${cell},12,-1`),
  ]);
});
