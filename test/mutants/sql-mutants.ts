import type { Change } from './code-mutants.js';

/** Words of SQL and their replacements. Locks are excluded: their absence shows only by chance. */
const words: readonly (readonly [kind: string, word: RegExp, ...becomes: string[]])[] = [
  ['bound', /(?<![<>=!-])<=(?![=>])/g, '<'],
  ['bound', /(?<![<>=!-])>=(?!=)/g, '>'],
  ['bound', /(?<![<>=!@|-])<(?![<>=@])/g, '<=', '>'],
  ['bound', /(?<![<>=!@|-])>(?![>=@])/g, '>=', '<'],
  ['comparison', /(?<![<>=!:])=(?![=>])/g, '<>'],
  ['comparison', /<>/g, '='],
  ['comparison', /\bis not null\b/g, 'is null'],
  ['comparison', /\bis null\b/g, 'is not null'],
  ['logic', /\band\b(?!\s+\$?\d+\b)/g, 'or'],
  ['logic', /\bor\b(?!\s+replace\b)/g, 'and'],
  ['negation', /\bnot (?=exists\b|p\.|j\.|[a-z_.]+\b(?!\s*null))/g, ''],
  ['order', /\bdesc\b/g, 'asc'],
  ['order', /(?<=order by [\w., ]*\w)(?=\s*(?:limit|\n|$|\)))/g, ' desc'],
  ['method', /\bgreatest\b/g, 'least'],
  ['method', /\bleast\b/g, 'greatest'],
  ['method', /\bmin\(/g, 'max('],
  ['method', /\bmax\(/g, 'min('],
  ['method', /\bcount\(\*\)/g, '(count(*) + 1)'],
  ['method', /\bleft join\b/g, 'join'],
  ['arithmetic', /(?<=[\w)] )\+(?= [\w(${])/g, '-'],
  ['arithmetic', /(?<=[\w)] )-(?= [\w(${])/g, '+'],
  ['boolean', /\btrue\b/g, 'false'],
  ['boolean', /\bfalse\b/g, 'true'],
];

/** The possible faults of a piece of SQL that begins at `offset` of the source. */
export function sqlChanges(sql: string, offset: number): Change[] {
  return words.flatMap(([kind, word, ...becomes]) =>
    [...sql.matchAll(word)]
      // `set a = b` is an assignment, not a comparison.
      .filter(({ index }) => kind !== 'comparison' || !isAssignment(sql, index))
      .flatMap(({ index, 0: { length } }) =>
        becomes.map((other) => ({
          start: offset + index,
          end: offset + index + length,
          becomes: other,
          kind: `sql ${kind}`,
        })),
      ),
  );
}

/** Between `set` and the `where` or `from` after it. */
function isAssignment(sql: string, index: number): boolean {
  const before = sql.slice(0, index);
  const set = before.search(/\bset\b(?![\s\S]*\bset\b)/);
  return set !== -1 && !/\b(where|from|when|and)\b/.test(before.slice(set));
}
