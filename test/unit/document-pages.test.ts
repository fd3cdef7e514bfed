import { posix } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { documentFiles, documentPictures } from '../../scripts/pages/document-files.js';
import type { Files } from '../../scripts/pages/files.js';
import { anchorOf } from '../../scripts/pages/html.js';
import { publishedMarkdown, renderMarkdown } from '../../scripts/pages/markdown.js';
import { readRouteTable } from '../../scripts/pages/route-table.js';
import { createProgram } from '../../src/cli/program.js';
import { errorTable, unansweredCodes, type ErrorCode } from '../../src/wire/error-codes.js';
import { errorHelp } from '../../src/wire/error-help.js';

let files: Files;
let pictures: Map<string, Buffer>;
beforeAll(async () => {
  [files, pictures] = await Promise.all([documentFiles(), documentPictures()]);
});

const html = () => [...files].filter(([name]) => name.endsWith('.html'));
/** The file that a path of the site is served from. */
const fileAt = (path: string) =>
  [path, `${path}.html`, `${path}index.html`].map((each) => each.replace(/^\//, '')).find((name) => files.has(name));
/** What the API serves itself. */
const routes = new Set(['/openapi.json']);

test('no page has a dead link or a dead anchor', () => {
  const dead: string[] = [];
  for (const [name, text] of html()) {
    const page = `/${name.replace(/index\.html$/, '').replace(/\.html$/, '')}`;
    for (const [, href] of text.matchAll(/\bhref="([^"]*)"/g)) {
      const { origin, pathname, hash } = new URL(href!.replaceAll('&amp;', '&'), `https://here.example${page}`);
      if (origin !== 'https://here.example' || routes.has(pathname)) continue;
      const target = fileAt(pathname);
      const isThere = target !== undefined && (hash === '' || hasAnchor(files.get(target)!, hash.slice(1)));
      if (!isThere) dead.push(`${page}: ${href}`);
    }
  }
  expect(dead).toEqual([]);
});

test('no link of the published Markdown is dead either', () => {
  const dead: string[] = [];
  for (const [name, text] of [...files].filter(([each]) => /\.(?:md|txt)$/.test(each))) {
    for (const [, link] of text.matchAll(/\]\((?!https:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const path = posix.join('/', posix.dirname(name), link!);
      if (fileAt(path) === undefined && !routes.has(path) && !pictures.has(path.slice(1)))
        dead.push(`${name}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
});

test('every picture is there, is shown by a page, says in words what it shows, and is small', () => {
  const shown = html().flatMap(([name, text]) =>
    [...text.matchAll(/<img src="([^"]+)" alt="([^"]*)"/g)].map(([, src, alt]) => ({
      file: posix.join(posix.dirname(name), src!),
      alt: alt!,
    })),
  );
  expect([...new Set(shown.map(({ file }) => file))].sort()).toEqual([...pictures.keys()].sort());
  for (const { file, alt } of shown) expect([file, alt.length > 40]).toEqual([file, true]);
  for (const [file, bytes] of pictures) expect([file, bytes.length <= 150 * 1024]).toEqual([file, true]);
});

function hasAnchor(text: string, anchor: string): boolean {
  return text.includes(`id="${decodeURIComponent(anchor)}"`);
}

test('every page has one first heading, no anchor twice, a language, and no level of heading left out', () => {
  for (const [name, text] of html()) {
    const anchors = [...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id!);
    expect([name, anchors.filter((id, at) => anchors.indexOf(id) !== at)]).toEqual([name, []]);
    const levels = [...text.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
    expect([name, levels[0], levels.filter((level) => level === 1).length]).toEqual([name, 1, 1]);
    expect([name, levels.findIndex((level, at) => at > 0 && level > levels[at - 1]! + 1)]).toEqual([name, -1]);
    expect(text).toContain('<html lang="en">');
  }
});

test('every route has its section in the reference, and its operation is that of the OpenAPI document', () => {
  const { rules } = readRouteTable();
  expect(rules.length).toBeGreaterThan(30);
  const pages = html().filter(([name]) => name.startsWith('docs/reference/'));
  const missing = rules.filter(({ method, path }) => {
    const id = anchorOf(`${method} ${path}`);
    return !pages.some(([name, text]) => !name.endsWith('index.html') && text.includes(`<h2 id="${id}"`));
  });
  expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

test('every command of wl has its section, with its options', () => {
  const page = files.get('docs/commands.html')!;
  for (const words of ['up GPU', 'down [JOB…]', 'provider drain PROVIDER', 'admin stuck', 'login'])
    expect(page).toContain(`<code>wl ${words}</code></h2>`);
  for (const option of ['--spend-limit', '--wait-for-capacity', '--on-interrupt', '--deadline']) {
    const isKnown = JSON.stringify(createProgram(async () => undefined).commands.map(optionsBelow)).includes(option);
    expect([option, page.includes(option)]).toEqual([option, isKnown]);
  }
});

function optionsBelow(command: Command): unknown {
  return [command.options.map(({ flags }) => flags), command.commands.map(optionsBelow)];
}

describe('error codes', () => {
  const codes = Object.keys(errorTable) as ErrorCode[];

  test('every code has a help text that says what it means and what to do', () => {
    expect(Object.keys(errorHelp).sort()).toEqual([...codes].sort());
    for (const code of codes) {
      const { means, todo } = errorHelp[code];
      expect([code, means.length > 15, todo.length > 0]).toEqual([code, true, true]);
      for (const text of [means, ...todo]) expect(text).toMatch(/[.:]$|`\.$/);
    }
  });

  test('every code that may be answered has a page', () => {
    const answered = codes.filter((code) => !unansweredCodes.includes(code));
    expect(answered.filter((code) => !files.has(`docs/errors/${code}.html`))).toEqual([]);
    for (const code of unansweredCodes) expect(files.has(`docs/errors/${code}.html`)).toBe(false);
  });
});

describe('Markdown', () => {
  const render = (text: string) => renderMarkdown(text, 'docs/api.md', '/docs/api').html;

  test('HTML in Markdown is shown as text, and comments are left out', () => {
    const hostile = 'a <img src=x onerror=alert(1)> b\n\n<script>alert(1)</script>\n\n<!-- not said -->\n';
    const made = render(hostile);
    expect(made).not.toMatch(/<img|<script/);
    expect(made).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(made).not.toContain('not said');
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', 'http://example.com', '//example.com/x', '../src/main.ts'])(
    'a link to %s becomes text',
    (href) => expect(render(`[here](${href})`)).toBe('<p>here</p>\n'),
  );

  test('links to other Markdown files lead to their pages, relative to this one', () => {
    expect(render('[a](decisions/0001-allocation-locks-then-looks.md#context)')).toContain(
      'href="decisions/0001-allocation-locks-then-looks#context"',
    );
    expect(
      renderMarkdown('[a](../api.md#limits)', 'docs/decisions/0001-x.md', '/docs/decisions/0001-x').html,
    ).toContain('href="../api#limits"');
    expect(render('[a](#limits)')).toContain('href="#limits"');
    expect(publishedMarkdown('[a](../README.md#run-it), [b](../src/main.ts)', 'docs/api.md', '/docs/api')).toBe(
      '[a](readme.md#run-it), b',
    );
  });

  test('pictures of the documentation are shown, and any other is its words', () => {
    expect(
      renderMarkdown('![a "b"](../images/x-1.png)', 'docs/decisions/0001-x.md', '/docs/decisions/0001-x').html,
    ).toBe('<p><img src="../images/x-1.png" alt="a &quot;b&quot;" loading="lazy"></p>\n');
    for (const elsewhere of ['https://example.com/x.png', 'images/x.svg', '../console/icon.svg', 'data:image/png,x'])
      expect(render(`![a](${elsewhere})`)).toBe('<p>a</p>\n');
    expect(publishedMarkdown('![a](images/x.png), ![b](../console/x.png)', 'docs/api.md', '/docs/api')).toBe(
      '![a](images/x.png), b',
    );
  });

  test('headings of the same name have anchors of their own', () => {
    expect(render('# A\n## B c!\n## B c!\n')).toContain('<h2 id="b-c-1">');
  });
});
