import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type BuildResult, type Metafile } from 'esbuild';
import { requireNothingLeftOut, withoutLazyParts } from '../viem-parts.js';
import { builtApart } from './apart.js';
import type { Files } from './files.js';
import { straightImports } from './straight-imports.js';
import { styleSheet } from './style-sheet.js';

const entry = 'console/app/main.tsx';
/** What the first page and every other one share becomes one file, not one for each set of pages that share something. */
const shared = 'console/app/shared.ts';
/** The page that most people see first: its parts are asked for with the document. */
const firstPage = 'market';
/** In the order in which they apply. */
const parts = 'buttons cards tables states figures facts fields dialogs menus notes copies lines days wallets'.split(
  ' ',
);
const styleFiles = ['tokens', 'ground', ...parts.map((name) => `parts/${name}`), 'header', 'shell', 'modes'].map(
  (name) => `console/styles/${name}.css`,
);

/** A document is served at every address of the console; what it names is relative to that address. */
const deepest = 2;

interface Built {
  script: string;
  /** Loaded with the script, itself not among them. */
  withScript: string[];
  /** The same of the first page. */
  withFirstPage: string[];
  files: Files;
}

/**
 * The console: a document, its script in pieces that are loaded when they are needed, and a style sheet for all pages
 * and one for each folder that has one (`jobs/jobs.css`).
 *
 * `index.html` is for `/console/`, `app.N.html` for the addresses N levels below it.
 */
export async function consoleApp(iconName: string): Promise<Files> {
  const style = await styleSheet('assets/console', styleFiles);
  const pageStyles = await stylesOfPages();
  const names = Object.fromEntries([...pageStyles].map(([folder, { name }]) => [folder, name]));
  const { script, withScript, withFirstPage, files } = await scripts(names);
  const template = await readFile('console/app/index.html', 'utf8');
  const page = (up: string, isFirst: boolean) => {
    const preloads = isFirst ? [...withScript, ...withFirstPage] : withScript;
    const first = isFirst ? names[firstPage] : undefined;
    const styles = [style.name, ...(first === undefined ? [] : [first])];
    return template
      .replace('{{icon}}', up + iconName)
      .replace('{{script}}', up + script)
      .replace('{{styles}}', styles.map((name) => `<link rel="stylesheet" href="${up}${name}" />`).join(''))
      .replace('{{preloads}}', preloads.map((name) => `<link rel="modulepreload" href="${up}${name}" />`).join(''));
  };
  const pages: [string, string][] = [['index.html', page('', true)]];
  for (let up = 0; up <= deepest; up++) pages.push([`app.${up}.html`, page('../'.repeat(up), false)]);
  const styles: [string, string][] = [style, ...pageStyles.values()].map(({ name, text }) => [name, text]);
  return new Map([...pages, ...styles, ...files].map(([name, text]) => [`console/${name}`, text]));
}

async function stylesOfPages(): Promise<Map<string, { name: string; text: string }>> {
  const folders = await readdir('console', { withFileTypes: true });
  const own = folders.filter((folder) => folder.isDirectory() && !['styles', 'sign', 'app'].includes(folder.name));
  const styles = new Map<string, { name: string; text: string }>();
  for (const { name } of own) {
    const sheets = (await readdir(join('console', name))).filter((file) => file.endsWith('.css')).sort();
    if (sheets.length === 0) continue;
    const files = sheets.map((file) => join('console', name, file));
    styles.set(name, await styleSheet(`assets/${name}`, files));
  }
  return styles;
}

async function scripts(pageStyles: Record<string, string>): Promise<Built> {
  const apart = await builtApart();
  const result = await build({
    entryPoints: [entry],
    inject: [shared],
    plugins: [apart.plugin, withoutLazyParts, await straightImports()],
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { PAGE_STYLES: JSON.stringify(pageStyles), 'process.env.NODE_ENV': '"production"' },
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    write: false,
    legalComments: 'none',
  });
  requireNothingLeftOut(result.metafile);
  const { outputs } = result.metafile;
  const finalName = namesByContent(result);
  const rename = (text: string) => [...finalName].reduce((all, [was, is]) => all.replaceAll(was, is), text);
  const files: Files = new Map(apart.files);
  for (const { path, text } of result.outputFiles) files.set(`assets/${finalName.get(basename(path))!}`, rename(text));
  const outputOf = (source: string) => {
    const found = Object.keys(outputs).find((name) => outputs[name]!.entryPoint === source);
    if (found === undefined) throw new Error(`the console has no ${source}`);
    return found;
  };
  const final = (name: string) => `assets/${finalName.get(basename(name))!}`;
  const main = outputOf(entry);
  const first = outputOf(`console/${firstPage}/${firstPage}-page.tsx`);
  const withMain = loadedWith(outputs, main);
  const withFirst = loadedWith(outputs, first).filter((name) => !withMain.includes(name));
  return {
    script: final(main),
    withScript: withMain.filter((name) => name !== main).map(final),
    withFirstPage: withFirst.map(final),
    files,
  };
}

/**
 * Names that hold a hash as those of all other files do. What is hashed holds the hashes that esbuild gave to what it
 * imports, so a name changes with everything behind it.
 */
function namesByContent({ outputFiles = [] }: BuildResult): Map<string, string> {
  return new Map(
    outputFiles.map(({ path, text }) => {
      const was = basename(path);
      const stem = was.replace(/-[A-Z0-9]{8}\.js$/, '');
      return [was, `${stem}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.js`];
    }),
  );
}

/** A file and what it imports at once; `import()` loads nothing until it is called. */
function loadedWith(outputs: Metafile['outputs'], name: string, seen: string[] = []): string[] {
  if (seen.includes(name)) return seen;
  seen.push(name);
  for (const { path, kind } of outputs[name]!.imports) if (kind === 'import-statement') loadedWith(outputs, path, seen);
  return seen;
}
