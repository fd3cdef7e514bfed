import { beforeAll, expect, test } from '@jest/globals';
import { breakingChanges } from '../../scripts/releases/breaking-changes.js';
import { changelogVersions, dated } from '../../scripts/releases/changelog.js';
import { releaseChecks, versionChecks, type Release } from '../../scripts/releases/checks.js';
import { keptSurface, readVersion } from '../../scripts/releases/read-release.js';

let found: Awaited<ReturnType<typeof readVersion>>;
beforeAll(async () => {
  found = await readVersion();
});
const wrong = (release: Release) => releaseChecks(release).filter(({ todo }) => todo !== undefined);

test('the version is the same wherever it stands, and what it breaks of the last release is listed as breaking', () => {
  const { version, date } = found.changelog[0]!;
  const left = versionChecks({ ...found, branch: '', uncommitted: [], tags: [] });
  // On the commit that was released, and until the version is raised, nothing may break at all.
  const isReleased = version === found.version && date !== undefined;
  expect(isReleased ? found.breaking : left.filter(({ todo }) => todo !== undefined)).toEqual([]);
});

test('every release has its public surface kept, which a comparison with itself finds whole', () => {
  const released = found.changelog.filter(({ date }) => date !== undefined).map(({ version }) => version);
  expect([...found.kept].sort()).toEqual(released.sort());
  for (const version of released) {
    const surface = keptSurface(version)!;
    expect(Object.keys(surface.openapi['paths'] as object).length).toBeGreaterThan(20);
    expect(breakingChanges(surface, surface)).toEqual([]);
  }
});

test('what is compared is all there: routes, streams, variables, metrics, codes and commands', () => {
  const { openapi, ...others } = found.surface;
  expect(Object.keys(openapi['paths'] as object).length).toBeGreaterThan(50);
  const counts = Object.entries(others).map(([part, names]) => [part, Object.keys(names).length]);
  expect(Object.fromEntries(counts)).toEqual({
    streams: 3,
    metrics: expect.any(Number),
    configuration: expect.any(Number),
    errors: expect.any(Number),
    commands: expect.any(Number),
    exitCodes: expect.any(Number),
  });
  for (const [, count] of counts) expect(count).toBeGreaterThan(2);
  expect(found.surface.metrics['broker_dead_letters_total']).toEqual({
    type: 'counter',
    labels: ['reason', 'stream', 'written'],
  });
});

const changelog = changelogVersions(
  '# Changes\n\n## 0.3.0 (not released)\n- More.\n\n## 0.2.1 (2026-01-31)\n- Less.\n',
);
const good: Release = {
  ...{ version: '0.3.0', branch: 'main', uncommitted: [], tags: ['v0.2.1'], changelog, kept: ['0.2.1'], breaking: [] },
  named: [{ where: 'package-lock.json', version: '0.3.0' }],
};
const broken = { place: 'GET /jobs', field: '', says: 'is gone' };
const listing = changelogVersions(
  '## 0.3.0 (not released)\n\n### Breaking\n- `GET /jobs` is gone.\n\n## 0.2.1 (2026-01-31)\n',
);

test('a version can be released where everything says the same', () => {
  expect(wrong(good)).toEqual([]);
  expect(wrong({ ...good, changelog: listing, breaking: [broken] })).toEqual([]);
});

test.each<[string, Partial<Release>, RegExp]>([
  ['on the branch main', { branch: 'mine' }, /git switch main: this is mine/],
  ['nothing uncommitted', { uncommitted: ['README.md'] }, /commit it.*README\.md/],
  ['no tag v0.3.0 yet', { tags: ['v0.3.0'] }, /raise the version in package\.json/],
  [
    'CHANGELOG.md begins with 0.3.0, not released',
    { changelog: changelog.slice(1) },
    /begins with 0\.2\.1 \(2026-01-31\)/,
  ],
  ['package-lock.json says 0.3.0', { named: [{ where: 'package-lock.json', version: '0.2.1' }] }, /it says 0\.2\.1/],
  ['what 0.2.1 had in public is kept', { kept: [] }, /take it from the tag v0\.2\.1/],
  ['what it breaks is listed under "### Breaking"', { breaking: [broken] }, /GET \/jobs is gone/],
])('each check that fails says what to do: %s', (says, change, todo) => {
  expect(wrong({ ...good, ...change })).toContainEqual({ says, todo: expect.stringMatching(todo) });
});

test.each([
  ['0.2.1', '0.2.2', false],
  ['0.2.1', '0.3.0', true],
  ['1.2.1', '1.3.0', false],
  ['1.2.1', '2.0.0', true],
])('after %s, a version %s may break something: %s', (before, version, mayBreak) => {
  const texts = changelogVersions(
    `## ${version} (not released)\n### Breaking\n- \`GET /jobs\` is gone.\n\n## ${before} (2026-01-31)\n`,
  );
  const release = { ...good, version, changelog: texts, kept: [before], breaking: [broken] };
  const said = wrong({ ...release, named: [] }).map((each) => each.says);
  expect(said).toEqual(mayBreak ? [] : ['the number says whether it breaks something']);
});

test('a version that is not above the last one is refused', () => {
  const texts = changelogVersions('## 0.2.1 (not released)\n\n## 0.10.0 (2026-01-31)\n');
  const release = { ...good, version: '0.2.1', changelog: texts, kept: ['0.10.0'], named: [], tags: [] };
  expect(wrong(release)).toEqual([{ says: '0.2.1 is newer than 0.10.0', todo: 'raise the version in package.json' }]);
});

test('a heading of the changelog has a version and a date, or says that it is not released', () => {
  expect(changelog.map(({ version, date }) => [version, date])).toEqual([
    ['0.3.0', undefined],
    ['0.2.1', '2026-01-31'],
  ]);
  expect(() => changelogVersions('## Next\n')).toThrow('"## Next" has to be "## 1.2.3 (not released)"');
  expect(dated('## 0.3.0 (not released)\n- x', '0.3.0', '2026-02-01')).toBe('## 0.3.0 (2026-02-01)\n- x');
  expect(() => dated('## 0.3.0 (2026-01-01)\n', '0.3.0', '2026-02-01')).toThrow('no heading');
});
