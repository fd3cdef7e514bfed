import type { Finding, Verdict } from './finding.js';

/** Marks beside the words: never a colour alone. */
const marks: Record<Verdict, string> = { ok: '✓', warning: '!', failure: '✗', unseen: '?' };

const [width, indent] = [80, 18] as const;

/** The findings as lines of 80 characters. Only a command to type may be longer: it must be copied in one piece. */
export function reportOf(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ check, verdict, text, mend }, at) => {
    const name = findings[at - 1]?.check === check ? '' : check;
    const [first = '', ...rest] = wrapped(text, width - indent);
    return [
      `${marks[verdict]} ${name.padEnd(indent - 2)}${first}`,
      ...rest.map((line) => ' '.repeat(indent) + line),
      ...(mend === undefined ? [] : [`${' '.repeat(indent)}→ ${mend}`]),
    ];
  });
  return [...lines, '', summaryOf(findings)].join('\n');
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [failures, warnings, unseen] = [count('failure'), count('warning'), count('unseen')];
  const rest = [
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
    ...(unseen > 0 ? [`${unseen} not seen`] : []),
  ].join(', ');
  const stops = findings.some(({ stopsJoin }) => stopsJoin === true);
  const first =
    failures === 0
      ? '✓ nothing is in the way'
      : `✗ ${failures} ${failures === 1 ? 'thing has' : 'things have'} to be mended${stops ? ': the join would fail' : ''}`;
  return rest === '' ? first : `${first} (${rest})`;
}

/** The same for programs. */
export function findingsJson(findings: readonly Finding[], isRoot: boolean): object {
  return {
    ok: !hasFailure(findings),
    as_root: isRoot,
    checks: findings.map(({ check, verdict, text, mend, stopsJoin }) => ({
      ...{ check: check.replaceAll(' ', '_'), verdict, text, mend: mend ?? null, stops_join: stopsJoin ?? false },
    })),
  };
}

export function hasFailure(findings: readonly Finding[]): boolean {
  return findings.some(({ verdict }) => verdict === 'failure');
}

/** Breaks a text between words. A word that is longer than a line is cut. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    for (; line.length > columns; line = line.slice(columns)) lines.push(line.slice(0, columns));
  }
  return [...lines, line];
}
