import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Files } from '../../scripts/pages/files.js';
import { errorTable } from '../../src/wire/error-codes.js';
import { buildPages } from '../support/pages.js';
import { startTestApi, type TestApi } from './api-harness.js';

let api: TestApi;
let files: Files;

beforeAll(async () => {
  const built = await buildPages();
  files = built.files;
  api = await startTestApi({ pages: built.pages, env: { AUTH_AUDIENCE: 'https://broker.example.com' } });
});
afterAll(async () => await api?.stop());

const noScripts =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

describe('the documentation', () => {
  test('a page of the documentation is HTML that runs nothing and loads nothing from elsewhere', async () => {
    const { status, headers, text } = await api.send('GET', '/docs/api');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': noScripts,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'public, max-age=300, must-revalidate',
    });
    expect(text).toContain('<h1 id="the-api">The API</h1>');
    expect(text).not.toMatch(/<script|\bstyle=|\bon\w+=|src="http/i);
  });

  test.each([
    '/docs/',
    '/docs/errors/',
    '/docs/reference/',
    '/docs/reference/jobs',
    '/docs/decisions/',
    '/docs/readme',
  ])('%s answers with a page', async (path) => {
    const { status, text } = await api.send('GET', path);
    expect([status, text.match(/<h1/g)?.length]).toEqual([200, 1]);
  });

  test('a page that a client has is not sent again', async () => {
    const first = await api.send('GET', '/docs/api');
    const again = await api.send('GET', '/docs/api', { headers: { 'if-none-match': first.headers.etag! } });
    expect([again.status, again.text]).toEqual([304, '']);
    const other = await api.send('GET', '/docs/api', { headers: { 'if-none-match': '"another"' } });
    expect(other.status).toBe(200);
  });

  test.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ])('a page comes compressed by %s to whom that suits, under an ETag of its own', async (encoding, unpack) => {
    const plain = await api.send('GET', '/docs/api');
    const response = await fetch(`${api.url}/docs/api`, { headers: { 'accept-encoding': encoding } });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')).toContain('Accept-Encoding');
    expect(response.headers.get('etag')).not.toBe(plain.headers.etag);
    // `fetch` has unpacked it already.
    expect(await response.text()).toBe(plain.text);
    expect(unpack).toBeDefined();
  });

  test('files whose names hold their hash may be kept for ever, and every page names one that is there', async () => {
    const { text } = await api.send('GET', '/docs/errors/no_capacity');
    const style = /<link rel="stylesheet" href="([^"]+)">/.exec(text)![1]!;
    const { pathname } = new URL(style, `${api.url}/docs/errors/no_capacity`);
    const reply = await api.send('GET', pathname);
    expect(reply.status).toBe(200);
    expect(reply.headers).toMatchObject({
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  test('a picture is served as it is in the repository, under the policy of the pages', async () => {
    const [, src] = /<img src="([^"]+)"/.exec((await api.send('GET', '/docs/operate')).text)!;
    const answer = await fetch(new URL(src!, `${api.url}/docs/operate`));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('content-security-policy')).toBe(noScripts);
    expect(Buffer.from(await answer.arrayBuffer()).equals(readFileSync(`docs/${src}`))).toBe(true);
  });

  test('the Markdown of a page and llms.txt are there for programs', async () => {
    const overview = await api.send('GET', '/llms.txt');
    expect(overview.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(overview.text).toMatch(/^# WorldLand broker\n\n> /);
    const markdown = await api.send('GET', '/docs/api.md');
    expect(markdown.headers['content-type']).toBe('text/markdown; charset=utf-8');
    expect(markdown.text).toMatch(/^# The API\n/);
  });
});

describe('paths', () => {
  test.each(['/docs/../package.json', '/docs/%2e%2e/package.json', '/docs/..%2fpackage.json', '/console/sign.html.br'])(
    '%s reaches no file',
    async (path) => expect((await api.send('GET', path)).status).toBe(404),
  );

  test('an unknown page is a page for people and a problem for programs', async () => {
    const forPeople = await api.send('GET', '/docs/errors/nope', { headers: { accept: 'text/html' } });
    expect([forPeople.status, forPeople.headers['content-type'], forPeople.headers['cache-control']]).toEqual([
      404,
      'text/html; charset=utf-8',
      'no-store',
    ]);
    const forPrograms = await api.send('GET', '/docs/errors/nope');
    expect([forPrograms.status, forPrograms.json.code]).toEqual([404, 'not_found']);
  });

  test.each([
    ['/docs', '/docs/'],
    ['/console', '/console/'],
    ['/docs/errors', '/docs/errors/'],
  ])('%s leads to %s, also below a path that a proxy removes', async (path, target) => {
    const { status, headers } = await api.send('GET', path);
    expect(status).toBe(302);
    expect(new URL(headers.location!, `https://broker.example.com/below${path}`).pathname).toBe(`/below${target}`);
  });

  test('a page can only be read', async () => {
    const { status, headers, json } = await api.send('POST', '/console/sign', { json: {} });
    expect([status, headers.allow, json.code]).toEqual([405, 'GET, HEAD, OPTIONS', 'method_not_allowed']);
    const options = await api.send('OPTIONS', '/docs/');
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS']);
    const head = await api.send('HEAD', '/docs/');
    expect([head.status, head.text, Number(head.headers['content-length']) > 0]).toEqual([200, '', true]);
  });

  test('who asks too often gets no pages either, whatever credential stands in the request', async () => {
    const { pages } = await buildPages();
    const strict = await startTestApi({ pages, env: { RATE_LIMIT_PER_IP: '2' } });
    try {
      const headers = { authorization: 'Bearer nobody-knows' };
      const statuses = [];
      for (const path of ['/docs/', '/llms.txt', '/docs/', '/console/sign', '/docs']) {
        statuses.push((await strict.send('GET', path, { headers })).status);
      }
      expect(statuses).toEqual([200, 200, 429, 429, 429]);
    } finally {
      await strict.stop();
    }
  });

  test('pages change nothing about the routes', async () => {
    expect((await api.send('GET', '/health')).json.status).toBe('ok');
    expect((await api.send('GET', '/doc')).json.code).toBe('not_found');
  });
});

const withScripts =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'";

describe('the console', () => {
  test.each(['/console/', '/console/rent', '/console/jobs/', '/console/jobs/1f0c', '/console/provider/a/b'])(
    '%s is the one document, whose files are there, and which runs nothing but them',
    async (path) => {
      const { status, headers, text } = await api.send('GET', path);
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': withScripts,
        'cross-origin-opener-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      });
      expect(text.match(/<script[^>]*>/g)).toEqual([expect.stringMatching(/^<script type="module" src="[./]*assets/)]);
      expect(text).not.toMatch(/\bstyle=|\bon\w+=|https?:|\{\{/i);
      const assets = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset!);
      expect(assets.length).toBeGreaterThan(3);
      for (const asset of assets) {
        const { pathname } = new URL(asset, `https://broker.example.com${path}`);
        const reply = await api.send('GET', pathname);
        expect([pathname, reply.status, reply.headers['cache-control']]).toEqual([
          pathname,
          200,
          'public, max-age=31536000, immutable',
        ]);
      }
    },
  );

  test.each(['/console/assets/main-0123456789ab.js', '/console/app.0', '/console/a/b/c/d', '/console/x.html'])(
    '%s is no address of it',
    async (path) => expect((await api.send('GET', path)).status).toBe(404),
  );

  test('a script names only scripts that are there, so that none is asked for in vain', () => {
    const scripts = [...files].filter(([name]) => name.startsWith('console/assets/') && name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(10);
    for (const [, text] of scripts)
      for (const [, named] of text.matchAll(/(?:from|import)\s*\(?"\.\/([^"]+)"/g))
        expect(files.has(`console/assets/${named}`)).toBe(true);
  });
});

describe('the page that asks a wallet', () => {
  test('it runs its own script alone, may not be framed, and is asked for anew each time', async () => {
    const { status, headers, text } = await api.send('GET', '/console/sign');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': withScripts,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    expect(text.match(/<script[^>]*>/g)).toEqual([expect.stringMatching(/^<script src="assets\/[\w.-]+" defer>$/)]);
    expect(text).not.toMatch(/\bstyle=|\bon\w+=|https?:/i);
    for (const [, asset] of text.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)) {
      expect((await api.send('GET', `/console/${asset}`)).status).toBe(200);
    }
  });

  test('its script stays small, and does not hold a library for wallets', () => {
    const [, script] = [...files].find(([name]) => /^console\/assets\/sign-[0-9a-f]+\.js$/.test(name))!;
    expect(script.length).toBeLessThan(24_000);
    expect(script).not.toMatch(/innerHTML|secp256k1|eval\(/);
  });
});

test('a problem leads to the page that explains its code', async () => {
  const { headers, json } = await api.send('GET', '/nowhere');
  expect(headers.link).toBe('<https://broker.example.com/docs/errors/not_found>; rel="help"');
  expect(json.code in errorTable).toBe(true);
  expect((await api.send('GET', '/docs/errors/not_found')).status).toBe(200);
});
