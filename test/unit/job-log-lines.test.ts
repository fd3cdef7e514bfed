import { describe, expect, test } from '@jest/globals';
import { lastOf } from '../../activities/job-logs.js';
import { lastLines } from '../../src/api/job-log.js';
import {
  costOf,
  createLineReader,
  keptLogBytes,
  lineIdPattern,
  maxLineBytes,
  placeBefore,
} from '../../src/domain/job-log.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const read = (...pieces: (string | Uint8Array)[]) => {
  const reader = createLineReader();
  return [...pieces.flatMap((piece) => reader.read(typeof piece === 'string' ? bytes(piece) : piece)), ...reader.end()];
};
async function* each(...pieces: Buffer[]) {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

describe('the lines of a log', () => {
  test('are the same however the log is cut into pieces', () => {
    const text = '2026-11-27T10:00:00.1Z one\n2026-11-27T10:00:00.123456789+09:00 two three\n2026-11-27T10:00:01Z \n';
    const whole = read(text);
    expect(whole.map(({ at, line }) => [at, line])).toEqual([
      ['2026-11-27T10:00:00.100000000Z', 'one'],
      ['2026-11-27T01:00:00.123456789Z', 'two three'],
      ['2026-11-27T10:00:01.000000000Z', ''],
    ]);
    expect(read(...text)).toEqual(whole);
  });

  test('have places that compare as they were written, also at one time', () => {
    const ids = read('2026-11-27T10:00:00Z a\n2026-11-27T10:00:00Z b\n2026-11-27T10:00:00.5Z c').map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(lineIdPattern);
    expect(placeBefore(new Date('2026-11-27T10:00:00Z')) < ids[0]!).toBe(true);
    expect(placeBefore(new Date('2026-11-27T10:00:00.001Z')) > ids[1]!).toBe(true);
  });

  test('keep escapes as data, and show what is no UTF-8 as such', () => {
    const [line] = read(`2026-11-27T10:00:00Z \u001b[31mred\u0000 \xff`);
    expect(line!.line).toBe('\u001b[31mred\u0000 \ufffd');
  });

  test('are cut where they are too long, and what follows is read on', () => {
    const [long, next] = read('2026-11-27T10:00:00Z ', 'x'.repeat(10 * maxLineBytes), '\n2026-11-27T10:00:01Z next\n');
    expect(long).toMatchObject({ cut: true, line: 'x'.repeat(maxLineBytes) });
    expect(next).toMatchObject({ line: 'next' });
    const [letters] = read(Buffer.from(`2026-11-27T10:00:00Z ${'a'.repeat(maxLineBytes - 1)}é rest\n`));
    expect(letters!.line).toBe('a'.repeat(maxLineBytes - 1));
  });

  test('are none of those that the machine adds without a time', () => {
    expect(
      read('unable to retrieve container logs for containerd://1\n', '99-99 x\n', '2026-11-27T10:00:00Z ok\n'),
    ).toHaveLength(1);
  });

  test('a time that no calendar has is read as the last or first one', () => {
    expect(placeBefore(new Date('+010000-01-01T00:00:00Z'))).toMatch(/^9999-12-31T/);
    expect(placeBefore(new Date('-000001-01-01T00:00:00Z'))).toMatch(/^1970-01-01T/);
  });
});

describe('what is read of a machine', () => {
  const line = (second: number, text: string) =>
    bytes(`2026-11-27T10:00:${String(second).padStart(2, '0')}Z ${text}\n`);

  test('are the last lines, after a place', async () => {
    const pieces = [0, 1, 2, 3].map((second) => line(second, `line ${second}`));
    const { lines } = await lastLines(pieces, { after: placeBefore(new Date('2026-11-27T10:00:01Z')), tail: 2 });
    expect(lines.map((each) => each.line)).toEqual(['line 2', 'line 3']);
  });

  test('is bounded, and says so', async () => {
    const pieces = Array.from({ length: 100 }, (_, at) => line(at % 60, 'x'.repeat(maxLineBytes)));
    const { lines, truncated } = await lastLines(pieces, { tail: 5_000 });
    expect([lines.length, truncated]).toEqual([64, true]);
  });

  test('costs more than its bytes where its lines are short', () => {
    expect([costOf(bytes('')), costOf(bytes('a\n\nb')), costOf(bytes('x'.repeat(9_000)))]).toEqual([0, 1_028, 9_000]);
  });

  test('ends at a bound of a machine that sends all lines there are, and says so', async () => {
    let sent = 0;
    async function* endless() {
      for (; ; sent++) yield await Promise.resolve(bytes('2026-11-27T10:00:00Z x\n'.repeat(1_000)));
    }
    const { lines, truncated } = await lastLines(endless(), { tail: 500 });
    expect([lines.length, truncated]).toEqual([500, true]);
    expect(sent).toBeLessThan(40);
    expect(await lastLines([bytes('\n'.repeat(keptLogBytes))], { tail: 500 })).toEqual({ lines: [], truncated: false });
  });

  test('is what came, where the machine breaks off', async () => {
    async function* broken() {
      yield await Promise.resolve(line(0, 'so far'));
      throw new Error('reset');
    }
    expect((await lastLines(broken(), { tail: 5 })).lines).toHaveLength(1);
    expect(String(await lastOf(broken()))).toContain('so far');
  });

  test('is kept in whole lines, the last of them', async () => {
    const kept = await lastOf(
      each(...Array.from({ length: 600 }, (_, at) => line(at % 60, `${at} ${'y'.repeat(1_000)}`))),
    );
    expect(kept.length).toBeLessThanOrEqual(keptLogBytes);
    expect(String(kept.subarray(0, 11))).toBe('2026-11-27T');
    expect(String(kept.subarray(-1_200))).toContain(' 599 ');
    expect(String(await lastOf(each(line(0, 'short'))))).toBe('2026-11-27T10:00:00Z short\n');
  });
});
