import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { argumentsOf } from '../engines/cli/arguments.js';
import { dated } from './releases/changelog.js';
import { releaseChecks, tagOf } from './releases/checks.js';
import { git, keptFolder, readRelease } from './releases/read-release.js';

const usage = `Usage: npm run release -- [options]

Checks that version, changelog, lock file, images and public surface
belong together. If they do, it dates the changelog, keeps the public
surface for the next comparison, commits both and tags the commit.
It pushes nothing.

  --dry    check only; nothing is written
  --help   show this text
`;

const { values } = argumentsOf(usage, { options: { dry: { type: 'boolean', default: false } } });
try {
  await release(values.dry);
} catch (error) {
  console.error(`✗ ${(error as Error).message.trim()}`);
  process.exitCode = 1;
}

async function release(isDry: boolean): Promise<void> {
  const found = await readRelease();
  const checks = releaseChecks(found);
  for (const { says, todo } of checks) console.log(todo === undefined ? `✓ ${says}` : `✗ ${says}\n  ${todo}`);
  const wrong = checks.filter(({ todo }) => todo !== undefined).length;
  console.log('');
  if (wrong > 0) throw new Error(`${wrong} of ${checks.length} checks failed: nothing was written`);
  const { version, surface } = found;
  if (isDry) {
    console.log(`${version} can be released: npm run release. Before that, .ci/run has to pass on this commit.`);
    return;
  }
  const kept = `${keptFolder}/${version}.json`;
  let isCommitted = false;
  try {
    const changelog = readFileSync('CHANGELOG.md', 'utf8');
    writeFileSync('CHANGELOG.md', dated(changelog, version, new Date().toISOString().slice(0, 10)));
    writeFileSync(kept, `${JSON.stringify(surface, undefined, 1)}\n`);
    git('add', 'CHANGELOG.md', kept);
    git('commit', '--quiet', '--message', `Release ${version}`);
    isCommitted = true;
    git('tag', '--annotate', tagOf(version), '--message', `Release ${version}`);
  } catch (error) {
    // The tree was clean: what is not in the last commit, or is our commit, is ours.
    git('reset', '--quiet', ...(isCommitted ? ['HEAD~1'] : []));
    git('checkout', '--quiet', '--', 'CHANGELOG.md');
    rmSync(kept, { force: true });
    throw error;
  }
  console.log(afterwards(version));
}

function afterwards(version: string): string {
  const image = `REGISTRY/worldland-broker:${version}`;
  return `Committed and tagged ${tagOf(version)}. Nothing was pushed. To publish it, from this commit:

  git push --atomic origin main ${tagOf(version)}
  docker build --tag ${image} . && docker push ${image}
  npm run client:build && npm publish ./dist/package

The next change begins with a higher version: package.json, package-lock.json, the
images, and "## … (not released)" in CHANGELOG.md. npm run release -- --dry says what is left.`;
}
