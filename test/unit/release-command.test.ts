import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';

// A repository of its own, with all that the program reads. Its version is none that this project will soon have.
const folder = mkdtempSync(join(tmpdir(), 'release-'));
const version = '9.0.0';
const copied = [
  ...['package.json', 'package-lock.json', 'docker-compose.yml', 'docs', 'LICENSE', 'tsconfig.json', '.gitignore'],
  ...['src', 'scripts', 'engines', 'console', 'workflows', 'activities', 'test/releases'],
];
/** Nothing of whoever runs the tests: neither his name nor his hooks. */
const env: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: '1',
  ...{ GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@example.com' },
  ...{ GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@example.com' },
};
const git = (...words: string[]) => execFileSync('git', words, { cwd: folder, env, encoding: 'utf8' });
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const change = (file: string, by: (text: string) => string) => writeFileSync(join(folder, file), by(read(file)));
const setVersion = (file: string, now: string) =>
  change(file, (text) => {
    const json = JSON.parse(text) as { version: string; packages?: Record<string, { version: string }> };
    json.version = now;
    if (json.packages !== undefined) json.packages['']!.version = now;
    return `${JSON.stringify(json, undefined, 2)}\n`;
  });

beforeAll(() => {
  for (const name of copied) cpSync(join(packageRoot, name), join(folder, name), { recursive: true });
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, '.gitignore'), 'node_modules\n.config\n.cache\n');
  writeFileSync(join(folder, 'CHANGELOG.md'), `# Changes\n\n## ${version} (not released)\n- Everything.\n`);
  for (const file of ['package.json', 'package-lock.json']) setVersion(file, version);
  for (const file of ['src/kubernetes/deploy/3-broker.yaml', 'docs/deploy.md'])
    change(file, (text) => text.replace(/(worldland-broker):\d+\.\d+\.\d+/g, `$1:${version}`));
  git('init', '--quiet', '--initial-branch', 'main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Begin');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function release(...words: string[]): Promise<{ code: number; said: string }> {
  const program = ['--import', 'tsx', 'scripts/release.ts', ...words];
  return await new Promise((done) => {
    execFile(process.execPath, program, { cwd: folder, env }, (error, out, said) =>
      done({ code: error === null ? 0 : Number(error.code), said: out + said }),
    );
  });
}
const state = () => ({
  head: git('log', '--format=%s', '-1').trim(),
  status: git('status', '--short'),
  tags: git('tag'),
});

test('a release is checked, refused with what to do, taken back when git refuses it, made once, and pushed by nobody', async () => {
  const begun = { head: 'Begin', status: '', tags: '' };
  const good = await release('--dry');
  expect(good.said).toContain(`✓ package-lock.json says ${version}\n`);
  expect(good).toEqual({ code: 0, said: expect.stringContaining(`${version} can be released: npm run release`) });
  expect(state()).toEqual(begun);

  setVersion('package-lock.json', '8.0.0');
  git('switch', '--quiet', '--create', 'mine');
  const bad = await release();
  expect(bad.code).toBe(1);
  expect(bad.said).toContain('✗ on the branch main\n  git switch main: this is mine\n');
  expect(bad.said).toContain('✗ nothing uncommitted\n  commit it, or take it back: package-lock.json\n');
  expect(bad.said).toContain(`✗ package-lock.json says ${version}\n  it says 8.0.0: put ${version} there\n`);
  expect(bad.said).toMatch(/✗ 4 of \d+ checks failed: nothing was written\n$/);
  git('checkout', '--quiet', '--', '.');
  git('switch', '--quiet', 'main');

  writeFileSync(join(folder, '.git/hooks/pre-commit'), '#!/bin/sh\necho "not today" >&2\nexit 1\n', { mode: 0o755 });
  const refused = await release();
  expect(refused).toEqual({ code: 1, said: expect.stringContaining('not today') });
  expect(state()).toEqual(begun);
  rmSync(join(folder, '.git/hooks/pre-commit'));
  // As if another git were about to write this tag.
  const lock = join(folder, `.git/refs/tags/v${version}.lock`);
  writeFileSync(lock, '');
  expect(await release()).toEqual({ code: 1, said: expect.stringContaining(`v${version}.lock`) });
  expect(state()).toEqual(begun);
  rmSync(lock);

  const made = await release();
  expect(made).toEqual({ code: 0, said: expect.stringContaining(`git push --atomic origin main v${version}\n`) });
  expect(made.said).toContain(`docker build --tag REGISTRY/worldland-broker:${version} .`);
  expect(state()).toEqual({ head: `Release ${version}`, status: '', tags: `v${version}\n` });
  expect(git('cat-file', '-t', `v${version}`).trim()).toBe('tag');
  expect(git('rev-parse', `v${version}^{commit}`)).toBe(git('rev-parse', 'HEAD'));
  expect(git('show', '--name-only', '--format=', 'HEAD').trim().split('\n')).toEqual([
    'CHANGELOG.md',
    `test/releases/${version}.json`,
  ]);
  expect(read('CHANGELOG.md')).toMatch(/^## 9\.0\.0 \(20\d\d-\d\d-\d\d\)$/m);

  const again = await release('--dry');
  expect(again.code).toBe(1);
  expect(again.said).toContain(`✗ no tag v${version} yet\n  ${version} is released: raise the version in package.json`);
}, 600_000);
