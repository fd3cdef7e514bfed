import { expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const read = (path: string) => readFileSync(path, 'utf8');
const decisions = readdirSync('docs/decisions').filter((name) => /^\d{4}-.+\.md$/.test(name));
const index = read('docs/decisions/README.md');
const parts = ['Context', 'Decision', 'Alternatives', 'Consequences'];

test('CONTRIBUTING.md lists every script of package.json, and none that is not there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const listed = [...read('CONTRIBUTING.md').matchAll(/^\| `npm (?:run )?([\w:.-]+)/gm)].map(([, name]) => name!);
  expect(listed.sort()).toEqual(Object.keys(scripts).sort());
});

test.each(decisions)('%s has a title, a date, a status and the parts of every decision', (file) => {
  const text = read(`docs/decisions/${file}`);
  expect(text).toMatch(
    /^# \S.+\n\n- Date: 20\d\d-\d\d-\d\d\n- Status: (?:accepted|superseded by \[\d{4}\]\(.+\))\b.*\n/,
  );
  expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(parts);
  for (const part of text.split(/^## /m).slice(1)) expect(part.split('\n').slice(1).join('').trim()).not.toBe('');
});

test('the template of decisions has the parts that every decision has', () => {
  expect([...read('docs/decisions/template.md').matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(parts);
});

test('the index of decisions has every decision, in order, by its title and date', () => {
  const rows = [...index.matchAll(/^\| \[(\d{4})\]\((.+)\) \| (.+) \| (\S+) \| (.+) \|$/gm)];
  expect(rows.map(([, , file, title, date]) => [file, title, date])).toEqual(
    decisions.map((file) => {
      const text = read(`docs/decisions/${file}`);
      return [file, /^# (.+)$/m.exec(text)?.[1], /^- Date: (\S+)$/m.exec(text)?.[1]];
    }),
  );
  expect(rows.every(([, number, file]) => file!.startsWith(number!))).toBe(true);
});

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'examples/README.md'],
  ...(readdirSync('docs', { recursive: true }) as string[])
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

// Pages that the build makes, such as those of the error codes, are looked for where all pages are made.
test.each(pages)('every link of %s to a file of the project leads to one', (page) => {
  const links = [
    ...read(page).matchAll(/\]\((?!https?:|#|\/docs\/(?:commands|(?:errors|reference)\/))([^)#\s]+)(?:#[^)]*)?\)/g),
  ].map(([, link]) => link!);

  expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([]);
});

test.each(['docs/architecture.md', 'docs/glossary.md', 'CONTRIBUTING.md', 'README.md'])(
  'every path that %s names in the tree exists',
  (page) => {
    const roots = '(?:src|workflows|activities|engines|scripts|test|docs|examples|ssh-server|temporal-config)';
    const named = [...read(page).matchAll(new RegExp(`\`(${roots}/[\\w./-]*)\``, 'g'))].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  },
);
