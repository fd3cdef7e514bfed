import { readFileSync } from 'node:fs';

/** Whose objects a right covers. */
export type Reach = 'all' | 'own';

/** One cell of the tables of docs/security.md: a verb on a resource (`pods/status`, `leases.coordination.k8s.io`). */
export interface Right {
  resource: string;
  verb: string;
  reach: Reach;
}

/** The words in the column *whose*; where admission narrows a right further, the authorizer's part of it. */
const reaches: Readonly<Record<string, Reach>> = {
  all: 'all',
  'its own': 'own',
  'its own, by admission': 'all',
  'nobody’s': 'all',
  "nobody's": 'all',
};
const verdicts = ['needed', 'harmless', 'closed'];
const header = '| resource | verbs | whose | | why |';

/**
 * The first table below a line that begins with `start`.
 *
 * @throws Error if a table or a word in it cannot be parsed: a table that is not compared is worth nothing.
 */
export function rightsBelow(start: string, page = 'docs/security.md'): Right[] {
  const text = readFileSync(page, 'utf8');
  const from = text.split('\n').findIndex((line) => line.startsWith(start));
  if (from < 0) throw new Error(`${page} has no line that begins with ${start}`);
  const lines = text.split('\n').slice(from);
  const first = lines.indexOf(header);
  if (first < 0) throw new Error(`${page} has no table of rights below ${start}`);
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).flatMap(rightsOf);
}

function rightsOf(line: string): Right[] {
  const [resource = '', verbs = '', whose = '', verdict = '', why = ''] = line
    .split('|')
    .slice(1)
    .map((cell) => cell.trim());
  const name = /^`([a-z0-9./]+)`$/.exec(resource)?.[1];
  const reach = reaches[whose];
  if (name === undefined || reach === undefined || !verdicts.includes(verdict) || why === '')
    throw new Error(`not a row of rights: ${line}`);
  return verbs.split(', ').map((verb) => ({ resource: name, verb, reach }));
}
