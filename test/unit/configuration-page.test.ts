import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { configurationPage, variableComments } from '../../scripts/configuration-page.js';
import { environment, subjects } from '../../src/config/environment.js';

const page = 'docs/configuration.md';
const names = Object.keys(environment.shape);
const comments = variableComments();

test('docs/configuration.md is what `npm run docs:configuration` makes of the code', () => {
  expect(readFileSync(page, 'utf8')).toBe(configurationPage());
});

test('every variable of the environment has a comment of its own that says what it is', () => {
  expect(names.filter((name) => (comments.get(name)?.length ?? 0) < 10)).toEqual([]);
});

test('every variable of the environment is listed under exactly one subject', () => {
  expect(subjects.flatMap(([, variables]) => Object.keys(variables))).toEqual(names);
});

test('the page about configuration lists every variable', () => {
  const listed = [...readFileSync(page, 'utf8').matchAll(/^\*\*`(\w+)`\*\*/gm)].map(([, name]) => name);
  expect(names.filter((name) => !listed.includes(name))).toEqual([]);
});

test('every variable that another document names exists, in the environment or in Compose', () => {
  const compose = readFileSync('docker-compose.yml', 'utf8');
  const documents = [
    ...readdirSync('docs')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
    'README.md',
    'CONTRIBUTING.md',
  ];
  const ours =
    /`((?:PROXY|METRICS|JOB|TENANT|RATE_LIMIT|MAX|AUTH|PROVIDER_AUTH|PROVIDER_LOSS|PROVIDER_OUT|MINING|RECONCILER|AUTHORIZER)_[A-Z_]+)(?:=[^`]*)?`/g;
  for (const document of documents) {
    const named = [...readFileSync(document, 'utf8').matchAll(ours)].map(([, name]) => name!.replace(/_FILE$/, ''));
    expect([document, named.filter((name) => !names.includes(name) && !compose.includes(`\${${name}`))]).toEqual([
      document,
      [],
    ]);
  }
});
