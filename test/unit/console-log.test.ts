import { describe, expect, test } from '@jest/globals';
import { emptyLog, linesWith, logFile, piecesOf, withLines, type HeldLog } from '../../console/jobs/log-lines.js';
import type { JobLogLine } from '../../src/client/shapes.js';

const line = (at: number, text = `line ${at}`): JobLogLine => ({
  id: String(at).padStart(12, '0'),
  at: '2026-01-01T10:00:00.000000001Z',
  line: text,
});
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => line(from + at));
const textsOf = ({ blocks }: HeldLog) => blocks.flatMap((block) => block.lines.map(({ text }) => text));
const bounds = { lines: 10, chars: 1_000, blockLines: 4, blockChars: 500 };

describe('what a page holds of a log', () => {
  test('is in the order of the lines, each once, also where a stream repeats some', () => {
    const first = withLines(emptyLog, lines(0, 5));
    const again = withLines(first, lines(3, 8));
    expect(textsOf(again)).toEqual(lines(0, 8).map((each) => each.line));
    expect([again.lineCount, again.dropped]).toEqual([8, 0]);
    expect(withLines(again, lines(2, 8))).toBe(again);
  });

  test('is its end: of a program that writes without end, whole blocks go first', () => {
    let held = emptyLog;
    for (let at = 0; at < 1_000; at += 10) held = withLines(held, lines(at, at + 10), bounds);
    expect(held.lineCount).toBeLessThanOrEqual(bounds.lines);
    expect(held.lineCount + held.dropped).toBe(1_000);
    expect(textsOf(held).at(-1)).toBe('line 999');
    expect(textsOf(held)).toHaveLength(held.lineCount);
  });

  test('is bounded in characters, too, and its last line always stays', () => {
    const held = withLines(
      emptyLog,
      lines(0, 8).map((each) => ({ ...each, line: 'x'.repeat(600) })),
      bounds,
    );
    expect(textsOf(held).join('').length).toBeLessThanOrEqual(bounds.chars);
    expect(textsOf(withLines(emptyLog, [line(1, 'y'.repeat(5_000))], bounds))).toEqual(['y'.repeat(5_000)]);
  });

  test('leaves blocks that are full as they are, so that nobody draws them again', () => {
    const before = withLines(emptyLog, lines(0, 9), bounds);
    const after = withLines(before, lines(9, 10), bounds);
    expect(after.blocks.slice(0, 2)).toEqual(before.blocks.slice(0, 2));
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(after.blocks[2]).not.toBe(before.blocks[2]);
  });

  test('has no character that is not seen, and of a line that redraws itself the last state', () => {
    const told = [
      '\u001b[31mred\u001b[0m',
      ' 10%\r 50%\r100%\r',
      '\u202egnp.exe\u202c',
      '\u001b]0;title\u0007x',
      'a\tb',
    ];
    const held = withLines(
      emptyLog,
      told.map((text, at) => line(at, text)),
    );
    expect(textsOf(held)).toEqual(['red', '100%', 'gnp.exe', 'x', 'a    b']);
  });
});

describe('what is looked for in a log', () => {
  test('is found in whatever case, and is no pattern', () => {
    expect(piecesOf('Loss 0.3, loss 0.2', 'loss')).toEqual(['', 'Loss', ' 0.3, ', 'loss', ' 0.2']);
    expect(piecesOf('a.b [1]', '.')).toEqual(['a', '.', 'b [1]']);
    for (const wanted of ['(', '[1]', '\\', '^$', 'a{2}', '|', '*']) {
      expect(piecesOf(`x${wanted}y`, wanted)).toEqual(['x', wanted, 'y']);
    }
  });

  test('leaves the lines that have it', () => {
    const [block] = withLines(emptyLog, lines(0, 12)).blocks;
    expect(linesWith(block!.lines, 'LINE 1').map(({ text }) => text)).toEqual(['line 1', 'line 10', 'line 11']);
    expect(linesWith(block!.lines, '')).toHaveLength(12);
  });
});

test('a log as a file has a line for each, with times if they are wanted', () => {
  const told = [line(1, '\u001b[1mbold\u001b[0m'), line(2)];
  expect(logFile(told, false)).toBe('bold\nline 2\n');
  expect(logFile(told, true)).toMatch(/^2026-01-01T10:00:00\.000000001Z bold\n/);
});
