import { linkFrom } from './addresses.js';
import { escaped } from './html.js';
import { grouped, type Entry } from './navigation.js';

export interface Page extends Entry {
  /** The content below the header, with its `h1`. */
  html: string;
  /** What is on the page, for its list of contents. */
  sections: readonly { title: string; anchor: string; depth: number }[];
  summary: string;
  /** The address of the page that lists it, if it is not in the navigation itself. */
  listedBy?: Entry;
}

export interface Assets {
  style: string;
  icon: string;
}

/** Fewer sections are seen at a glance. */
const minSections = 4;

/** A whole page. It has no script, and nothing in it comes from elsewhere. */
export function layOut(page: Page, pages: readonly Entry[], assets: Assets, version: string): string {
  const link = (address: string) => escaped(linkFrom(page.address, address));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escaped(page.summary.slice(0, 200))}">
<title>${escaped(page.title)} · WorldLand</title>
<link rel="icon" type="image/svg+xml" href="${link(assets.icon)}">
<link rel="stylesheet" href="${link(assets.style)}">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="bar"><a class="brand" href="${link('/docs/')}">WorldLand</a> <a class="all" href="${link('/docs/')}">All pages</a></header>
<div class="frame">
<nav class="site" aria-label="Documentation">
${navigation(page, pages)}
</nav>
<main id="content">
${wayBack(page)}${page.html.replace('</h1>', () => `</h1>\n${contents(page)}`)}</main>
</div>
<footer><p>Version ${escaped(version)}. For programs: <a href="${link('/llms.txt')}">llms.txt</a>, <a href="${link('/openapi.json')}">openapi.json</a>.</p></footer>
</body>
</html>
`;
}

function navigation(page: Page, pages: readonly Entry[]): string {
  return grouped(pages)
    .map(({ name, entries }) => {
      const items = entries.map(({ address, title }) => {
        const isHere = address === page.address || address === page.listedBy?.address;
        const current = isHere ? ` aria-current="${address === page.address ? 'page' : 'true'}"` : '';
        return `<li><a href="${escaped(linkFrom(page.address, address))}"${current}>${escaped(title)}</a></li>`;
      });
      return `<p class="group">${escaped(name)}</p>\n<ul>\n${items.join('\n')}\n</ul>`;
    })
    .join('\n');
}

function wayBack({ address, listedBy }: Page): string {
  if (listedBy === undefined) return '';
  return `<p class="back"><a href="${escaped(linkFrom(address, listedBy.address))}">${escaped(listedBy.title)}</a></p>\n`;
}

function contents({ sections }: Page): string {
  const shown = sections.filter(({ depth }) => depth === 2);
  if (shown.length < minSections) return '';
  const items = shown.map(({ title, anchor }) => `<li><a href="#${escaped(anchor)}">${escaped(title)}</a></li>`);
  return `<nav class="contents" aria-label="On this page">\n<p class="group">On this page</p>\n<ul>\n${items.join('\n')}\n</ul>\n</nav>\n`;
}
