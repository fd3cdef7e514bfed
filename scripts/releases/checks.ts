import type { BreakingChange } from './breaking-changes.js';
import { unlisted, type ChangelogVersion } from './changelog.js';

/** What a release is made of, as it was found. */
export interface Release {
  /** Of package.json. */
  version: string;
  branch: string;
  /** What git would not commit as it is, as `git status --short` names it. */
  uncommitted: readonly string[];
  tags: readonly string[];
  changelog: readonly ChangelogVersion[];
  /** Where the version stands besides, with what stands there. */
  named: readonly Named[];
  /** The versions whose public surface is kept, and what of the last one this one breaks. */
  kept: readonly string[];
  breaking: readonly BreakingChange[];
}

export interface Named {
  where: string;
  version: string;
}

/** One line of the report; with `todo`, the release cannot be made yet. */
export interface Check {
  says: string;
  todo?: string;
}

/** What has to be true before a version is released, in the order in which it is put right. */
export function releaseChecks(release: Release): Check[] {
  const { version, branch, uncommitted, tags } = release;
  const tag = tagOf(version);
  return [
    check(`on the branch main`, branch === 'main', `git switch main: this is ${branch || 'no branch'}`),
    check(
      'nothing uncommitted',
      uncommitted.length === 0,
      `commit it, or take it back: ${uncommitted.slice(0, 5).join(', ')}${uncommitted.length > 5 ? ', …' : ''}`,
    ),
    check(
      `no tag ${tag} yet`,
      !tags.includes(tag),
      `${version} is released: raise the version in package.json, and begin "## … (not released)" in CHANGELOG.md`,
    ),
    ...changelogChecks(release),
    ...release.named.map(({ where, version: found }) =>
      check(`${where} says ${version}`, found === version, `it says ${found || 'none'}: put ${version} there`),
    ),
    ...surfaceChecks(release),
  ];
}

/** Only what is wrong with the version as it stands in the files, whichever branch they are on. */
export function versionChecks(release: Release): Check[] {
  return releaseChecks({ ...release, branch: 'main', uncommitted: [], tags: [] });
}

export function tagOf(version: string): string {
  return `v${version}`;
}

function changelogChecks({ version, changelog }: Release): Check[] {
  const [top, before] = changelog;
  return [
    check(
      `CHANGELOG.md begins with ${version}, not released`,
      top?.version === version && top.date === undefined,
      `it begins with ${top === undefined ? 'nothing' : `${top.version} (${top.date ?? 'not released'})`}: make it "## ${version} (not released)"`,
    ),
    check(
      'every version before has its date',
      changelog.slice(1).every(({ date }) => date !== undefined),
      `give ${changelog.find(({ date }, at) => at > 0 && date === undefined)?.version ?? ''} its date in CHANGELOG.md`,
    ),
    check(
      `${version} is newer than ${before?.version ?? 'nothing'}`,
      before === undefined || isNewer(version, before.version),
      'raise the version in package.json',
    ),
  ];
}

function surfaceChecks({ version, changelog, kept, breaking }: Release): Check[] {
  const [top, before] = changelog;
  if (before === undefined) return [];
  const missing = unlisted(breaking, top!.text);
  const shown = missing.slice(0, 10).map(({ place, field, says }) => [place, field, says].filter(Boolean).join(' '));
  return [
    check(
      `what ${before.version} had in public is kept`,
      kept.includes(before.version),
      `test/releases/${before.version}.json is missing: take it from the tag ${tagOf(before.version)}`,
    ),
    check(
      'what it breaks is listed under "### Breaking"',
      missing.length === 0,
      `undo it, or name it there (docs/releases.md says how):\n    ${shown.join('\n    ')}${missing.length > 10 ? '\n    …' : ''}`,
    ),
    check(
      'the number says whether it breaks something',
      breaking.length === 0 || mayBreak(before.version, version),
      `make it ${nextBreaking(before.version)}, at least: it breaks what ${before.version} had`,
    ),
  ];
}

/** 0.1.4 is followed by 0.2.0 where something breaks, and 1.1.4 by 2.0.0. */
function nextBreaking(version: string): string {
  const [major, minor] = numbers(version);
  return major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`;
}

const mayBreak = (before: string, version: string) => !isNewer(nextBreaking(before), version);

function isNewer(version: string, before: string): boolean {
  const [a, b] = [numbers(version), numbers(before)];
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && a[at]! > b[at]!;
}

function numbers(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}

function check(says: string, isTrue: boolean, todo: string): Check {
  return isTrue ? { says } : { says, todo };
}
