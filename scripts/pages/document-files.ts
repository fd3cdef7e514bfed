import { readdir, readFile } from 'node:fs/promises';
import { addressOf, fileOf, pictureOf } from './addresses.js';
import { commandPage } from './command-page.js';
import { errorPages } from './error-pages.js';
import { hashed, type Files } from './files.js';
import { escaped } from './html.js';
import { layOut, type Assets, type Page } from './layout.js';
import { publishedMarkdown, renderMarkdown } from './markdown.js';
import { grouped } from './navigation.js';
import { referencePages } from './reference.js';
import { readRouteTable } from './route-table.js';
import { styleSheet } from './style-sheet.js';

/** The documentation: a page for each Markdown file, each group of routes and each error code, and what lists them. */
export async function documentFiles(): Promise<Files> {
  const [style, icon, manifest, markdown] = await Promise.all([
    styleSheet('docs/assets/docs', ['console/styles/tokens.css', 'console/base.css', 'scripts/pages/docs.css']),
    readFile('console/icon.svg', 'utf8'),
    readFile('package.json', 'utf8'),
    readMarkdown(),
  ]);
  const { version } = JSON.parse(manifest) as { version: string };
  const image = hashed('docs/assets/icon', '.svg', icon);
  const assets: Assets = { style: `/${style.name}`, icon: `/${image.name}` };
  const table = readRouteTable();
  const written = markdown.map(writtenPage);
  const pages = [...written, commandPage(), ...referencePages(table), ...errorPages(table)];
  const all = [indexPage(pages), ...pages, ...missingPages()];
  return new Map([
    ...all.map((page): [string, string] => [fileOf(page.address), layOut(page, pages, assets, version)]),
    ...markdown.map(({ source, address, text }): [string, string] => [
      `${address.slice(1)}${address.endsWith('/') ? 'index' : ''}.md`,
      publishedMarkdown(text, source, address),
    ]),
    [style.name, style.text],
    [image.name, image.text],
    ['llms.txt', overviewForPrograms(pages)],
  ]);
}

/** The pictures of the documentation, by the path that they are served at, which is that in the repository. */
export async function documentPictures(): Promise<Map<string, Buffer>> {
  const names = (await readdir('docs/images')).filter((name) => pictureOf(`docs/images/${name}`) !== undefined);
  const read = async (name: string): Promise<[string, Buffer]> => [name, await readFile(name)];
  return new Map(await Promise.all(names.map((name) => read(`docs/images/${name}`))));
}

interface Source {
  source: string;
  address: string;
  text: string;
}

async function readMarkdown(): Promise<Source[]> {
  const below = (await readdir('docs', { recursive: true })).map((name) => `docs/${name}`).sort();
  const sources = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...below];
  const published = sources.flatMap((source) => {
    const address = addressOf(source);
    return address === undefined ? [] : [{ source, address }];
  });
  return await Promise.all(published.map(async (page) => ({ ...page, text: await readFile(page.source, 'utf8') })));
}

const decisions = { address: '/docs/decisions/', title: 'Decisions' };

function writtenPage({ source, address, text }: Source): Page {
  const { title, html, sections, summary } = renderMarkdown(text, source, address);
  const isDecision = address.startsWith(decisions.address) && address !== decisions.address;
  return { address, title, html, sections, summary, ...(isDecision ? { listedBy: decisions } : {}) };
}

function indexPage(pages: readonly Page[]): Page {
  const groups = grouped(pages).map(({ name, entries }) => {
    const items = entries.map(({ address, title }) => {
      const summary = pages.find((page) => page.address === address)!.summary;
      const said = summary === '' ? '' : `<br><span class="soft">${escaped(firstSentence(summary))}</span>`;
      return `<li><a href="${escaped(address.replace('/docs/', ''))}">${escaped(title)}</a>${said}</li>`;
    });
    return `<h2>${escaped(name)}</h2>\n<ul>\n${items.join('\n')}\n</ul>`;
  });
  return {
    address: '/docs/',
    title: 'Documentation',
    html: `<h1>Documentation</h1>\n<p>Rent GPUs by the hour, or rent yours out. What is here belongs to the version of this broker.</p>\n${groups.join('\n')}`,
    sections: [],
    summary: 'Rent GPUs by the hour, or rent yours out.',
  };
}

const firstSentence = (text: string) => /^.*?[.:](?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text;

/** One for each folder, because its links are relative. */
function missingPages(): Page[] {
  return ['/docs/', '/docs/errors/', '/docs/reference/', '/docs/decisions/', '/console/'].map((folder) => ({
    address: `${folder}404`,
    title: 'No such page',
    html: '<h1>No such page</h1>\n<p>There is nothing at this address. The list of all pages is behind the name above.</p>\n',
    sections: [],
    summary: 'There is nothing at this address.',
  }));
}

/** `llms.txt`: the pages as Markdown with a line about each, for programs that read them for somebody. */
function overviewForPrograms(pages: readonly Page[]): string {
  const lines = grouped(pages).flatMap(({ name, entries }) => [
    `## ${name}`,
    '',
    ...entries.map(({ address, title }) => {
      const summary = pages.find((page) => page.address === address)!.summary;
      const isMade = ['/docs/commands', '/docs/reference/', '/docs/errors/'].includes(address);
      const file = isMade ? address : `${address}${address.endsWith('/') ? 'index' : ''}.md`;
      return `- [${title}](${file.slice(1)})${summary === '' ? '' : `: ${firstSentence(summary)}`}`;
    }),
    '',
  ]);
  return `# WorldLand broker

> Rent GPUs by the hour over HTTP, the command line (wl) or TypeScript; rent GPUs out. JSON under /api/v1, described by
> [openapi.json](openapi.json). Each error has a code, explained at docs/errors/CODE.

Anything that costs needs a session, which a wallet signs with a spending limit. Ask for a quote before an order, send an
Idempotency-Key with it, and end jobs that are no longer needed.

${lines.join('\n')}`;
}
