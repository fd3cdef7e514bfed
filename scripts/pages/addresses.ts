import { posix } from 'node:path';

/** The Markdown files that are published, by their path in the repository, and the path of their address. */
export function addressOf(source: string): string | undefined {
  const top: Record<string, string> = {
    'README.md': '/docs/readme',
    'CHANGELOG.md': '/docs/changelog',
    'SECURITY.md': '/docs/reporting',
    'docs/decisions/README.md': '/docs/decisions/',
    'docs/decisions/template.md': '',
  };
  const known = top[source];
  if (known !== undefined) return known === '' ? undefined : known;
  return /^docs\/(?:decisions\/)?[\w.-]+\.md$/.test(source) ? `/${source.replace(/\.md$/, '')}` : undefined;
}

/** How a page links to another: relative, as a proxy may serve all of them below a path of its own. */
export function linkFrom(page: string, address: string): string {
  const [path = '', anchor] = address.split('#');
  const folder = page.slice(0, page.lastIndexOf('/') + 1) || '/';
  const relative = posix.relative(folder, path);
  const ending = path.endsWith('/') && relative !== '' ? '/' : '';
  const link = path === page ? '' : relative === '' ? './' : relative + ending;
  return `${link}${anchor === undefined ? '' : `#${anchor}`}` || '#';
}

/**
 * Where a link of a Markdown file leads: an address of the documentation with its anchor, another site, or undefined for
 * files of the repository that are not published.
 */
export function targetOf(href: string, source: string): string | undefined {
  if (/^https:\/\//.test(href)) return href;
  if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith('//')) return undefined;
  const [path = '', anchor] = href.split('#');
  const file = path === '' ? source : posix.normalize(posix.join(posix.dirname(source), path));
  const address = addressOf(file) ?? pictureOf(file) ?? ownPage(path);
  return address === undefined ? undefined : `${address}${anchor === undefined ? '' : `#${anchor}`}`;
}

/** The address of a picture that is published, by its path in the repository. */
export function pictureOf(file: string): string | undefined {
  return /^docs\/images\/[\w-]+\.png$/.test(file) ? `/${file}` : undefined;
}

/** Pages that are made, not written: Markdown names them by their address. */
function ownPage(path: string): string | undefined {
  return /^\/docs\/(?:commands|(?:errors|reference)\/[\w-]*)?$/.test(path) ? path : undefined;
}

/** The file that an address is written to, below the folder of the pages. */
export function fileOf(address: string): string {
  const path = address.slice(1);
  return path === '' || path.endsWith('/') ? `${path}index.html` : `${path}.html`;
}
