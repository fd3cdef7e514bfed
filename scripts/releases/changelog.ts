import type { BreakingChange } from './breaking-changes.js';

/** One version in CHANGELOG.md. */
export interface ChangelogVersion {
  version: string;
  /** YYYY-MM-DD; undefined while it is not released. */
  date: string | undefined;
  text: string;
}

const unreleased = 'not released';

/**
 * The versions, newest first.
 *
 * @throws Error naming a heading that is neither `## 1.2.3 (2026-01-31)` nor `## 1.2.3 (not released)`.
 */
export function changelogVersions(changelog: string): ChangelogVersion[] {
  return changelog
    .split(/^(?=## )/m)
    .filter((part) => part.startsWith('## '))
    .map((text) => {
      const [heading] = text.split('\n', 1);
      const read = /^## (\d+\.\d+\.\d+) \((?:(20\d\d-\d\d-\d\d)|not released)\)$/.exec(heading!);
      if (read === null)
        throw new Error(`CHANGELOG.md: "${heading}" has to be "## 1.2.3 (${unreleased})" or to have a date`);
      return { version: read[1]!, date: read[2], text };
    });
}

/** The changelog with the date of its first version. */
export function dated(changelog: string, version: string, date: string): string {
  const heading = `## ${version} (${unreleased})`;
  if (!changelog.includes(`${heading}\n`)) throw new Error(`CHANGELOG.md has no heading "${heading}"`);
  return changelog.replace(heading, `## ${version} (${date})`);
}

/**
 * The changes that no point under "Breaking" names. A point names one if it has its place and its field in backticks, each by
 * itself: "`GET /api/v1/jobs`: `status` …". A field counts by its last word, too.
 */
export function unlisted(changes: readonly BreakingChange[], text: string): BreakingChange[] {
  const section = /^### Breaking\n([^]*?)(?=^##|$(?![^]))/m.exec(text)?.[1] ?? '';
  const points = section
    .split(/^- /m)
    .map((point) => new Set([...point.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)));
  return changes.filter(({ place, field }) => {
    const last = field
      .replace(/[[\]{}]/g, '')
      .split('.')
      .at(-1)!;
    return !points.some((names) => names.has(place) && (field === '' || names.has(field) || names.has(last)));
  });
}
