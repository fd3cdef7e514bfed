import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { curatedMutants } from '../mutants/curated.js';
import { checkExcuses, excused } from '../mutants/excused.js';
import { mutantsOf, sample } from '../mutants/find-mutants.js';
import { noting } from '../mutants/functions.js';
import { report } from '../mutants/report.js';
import type { Outcome } from '../mutants/try-mutant.js';

const faults = (source: string, file = 'src/domain/x.ts') =>
  mutantsOf(file, source).map(({ lineBecomes }) => lineBecomes);

describe('the faults of a source', () => {
  test('are bounds, halves of conditions, and guards that are gone', () => {
    expect(faults('if (a < b && c) throw error;')).toEqual(
      expect.arrayContaining([
        'if (a <= b && c) throw error;',
        'if (a < b || c) throw error;',
        'if (c) throw error;',
        'if (false) throw error;',
        'if (a < b && c) ;',
      ]),
    );
  });

  test('are found in SQL, and in no sentence', () => {
    expect(faults('const sql = `select a from b where c <= $1 order by a desc`;')).toEqual([
      'const sql = `select a from b where c < $1 order by a desc`;',
      'const sql = `select a from b where c <= $1 order by a asc`;',
    ]);
    expect(faults("const why = 'there is no more and no less';")).toEqual([]);
  });

  test('are none in what is logged', () => {
    expect(faults("logger.warn({ count: 3 }, 'gone');")).toEqual([]);
  });

  test('know the innermost function that they are in', () => {
    const places = mutantsOf('src/domain/x.ts', 'const a = 1;\nfunction f() {\n  return () => 2;\n}').map(
      ({ was, place }) => [was, place],
    );
    expect(places).toEqual([
      ['1', -1],
      ['2', 1],
    ]);
  });
});

test('a noted source tells of each function that ran, and does the same', () => {
  const reached = new Set<string>();
  const source = noting(
    'src/domain/x.ts',
    'function f() { return [1].map((a) => a + 1); }\nfunction g() {}\nanswer(f());',
  );
  const answers: unknown[] = [];
  runInNewContext(source, { __reached: reached, answer: (value: unknown) => answers.push(value) });
  expect(answers).toEqual([[2]]);
  expect([...reached]).toEqual(['src/domain/x.ts#0', 'src/domain/x.ts#1', 'src/domain/x.ts#-1']);
});

describe('a sample', () => {
  const mutants = mutantsOf(
    'src/domain/x.ts',
    Array.from({ length: 40 }, (_, n) => `const a${n} = b > ${n};`).join('\n'),
  );

  test('is the same for the same seed, and has in it what a smaller one has', () => {
    expect(sample(mutants, 20, 7)).toEqual(sample(mutants, 20, 7));
    expect(sample(mutants, 20, 7).slice(0, 5)).toEqual(sample(mutants, 5, 7));
    expect(sample(mutants, 20, 8)).not.toEqual(sample(mutants, 20, 7));
  });
});

test('every fault of the table has its text in the code, and every excuse its line', () => {
  expect(curatedMutants().length).toBeGreaterThan(50);
  expect(() => checkExcuses(excused)).not.toThrow();
});

test('too many that live are an error, and those with an excuse are not counted', () => {
  const [mutant] = mutantsOf('src/domain/x.ts', 'const a = 1;');
  const outcome = (end: Outcome['end']): Outcome => ({ mutant: mutant!, end, seconds: 1 });
  const killed = Array.from({ length: 9 }, () => outcome('killed'));
  expect(report([...killed, outcome('unreached')], [], 60).isGood).toBe(false);
  expect(report([...killed, outcome('timed out'), outcome('survived')], [], 60).isGood).toBe(true);
  const { file, lineWas, lineBecomes } = mutant!;
  const excuse = { file, lineWas, lineBecomes, reason: 'nobody could see it' };
  expect(report([...killed, outcome('survived')], [excuse], 60).isGood).toBe(true);
});
