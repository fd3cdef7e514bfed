import type { Excuse } from './excused.js';
import { keyOf } from './mutant.js';
import type { Outcome } from './try-mutant.js';

/** The fraction of unexcused faults that must not survive. */
const mostSurvivors = 0.1;

/** The results of a run, for people, and whether they are good enough. */
export function report(
  outcomes: readonly Outcome[],
  excuses: readonly Excuse[],
  wholeSeconds: number,
): { text: string; isGood: boolean } {
  const reasons = new Map(excuses.map((excuse) => [keyOf(excuse), excuse.reason]));
  const sortOf = ({ end, mutant }: Outcome) => {
    if (end === 'killed' || end === 'timed out') return 'killed';
    if (reasons.has(keyOf(mutant))) return 'excused';
    return end === 'survived' ? 'survived' : 'unreached';
  };
  const sorts = ['killed', 'survived', 'excused', 'unreached'] as const;
  const folders = [...new Set(outcomes.map(({ mutant }) => folderOf(mutant.file)))].sort();
  const row = (name: string, of: readonly Outcome[]) =>
    `  ${name.padEnd(14)}${sorts.map((sort) => String(of.filter((outcome) => sortOf(outcome) === sort).length).padStart(11)).join('')}${String(of.length).padStart(9)}`;
  const left = outcomes.filter((outcome) => ['survived', 'unreached'].includes(sortOf(outcome)));
  const part = left.length / Math.max(1, outcomes.length);
  const isGood = part < mostSurvivors;
  const lines = [
    ...['', 'These faults no test of a suite without a cluster noticed:', ''],
    ...left.toSorted((a, b) => (a.mutant.file < b.mutant.file ? -1 : 1)).flatMap(shown),
    `  ${''.padEnd(14)}${sorts.map((sort) => sort.padStart(11)).join('')}${'all'.padStart(9)}`,
    ...folders.map((folder) =>
      row(
        folder,
        outcomes.filter(({ mutant }) => folderOf(mutant.file) === folder),
      ),
    ),
    row('all', outcomes),
    '',
    `  ${outcomes.filter(({ end }) => end === 'timed out').length} of the killed ran out of time`,
    `  ${(part * 100).toFixed(1)} % live without an excuse${isGood ? '' : `: fewer than ${mostSurvivors * 100} % may`}`,
    `  ${(wholeSeconds / 60).toFixed(1)} minutes`,
  ];
  return { text: lines.join('\n'), isGood };
}

function shown({ end, mutant }: Outcome): string[] {
  const { file, line, kind, lineWas, lineBecomes } = mutant;
  const why = end === 'unreached' ? ', and no cheap suite reaches it' : '';
  return [`  ${file}:${line} (${kind}${why})`, `    - ${lineWas}`, `    + ${lineBecomes}`, ''];
}

/** `src/db`, `workflows`. */
function folderOf(file: string): string {
  return file
    .split('/')
    .slice(0, file.startsWith('src/') ? 2 : 1)
    .join('/');
}
