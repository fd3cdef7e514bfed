import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';

const consoleFolder = join(packageRoot, 'console');
const filesBelow = (folder: string) =>
  readdirSync(join(consoleFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.css'))
    .map((name) => join(folder, name));

/** The classes that a sheet styles, wherever they stand in a selector; `is-…` says a state of something else. */
function classesOf(file: string): Set<string> {
  const text = readFileSync(join(consoleFolder, file), 'utf8').replace(/\/\*[^]*?\*\//g, '');
  const selectors = [...text.matchAll(/([^{}]+)\{/g)].map(([, selector]) => selector!).filter((s) => !s.includes('@'));
  const names = selectors.flatMap((selector) => [...selector.matchAll(/\.([a-z][a-z-]*)/g)].map(([, name]) => name!));
  return new Set(names.filter((name) => !name.startsWith('is-')));
}

describe('the style sheets of the console', () => {
  it('style a class of pages in one folder only: the sheet of a page that was left stays in the document', () => {
    const shared = new Set(filesBelow('styles').flatMap((file) => [...classesOf(file)]));
    const pages = readdirSync(consoleFolder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !['styles', 'sign'].includes(entry.name))
      .map((entry) => entry.name);
    const foldersOf = new Map<string, Set<string>>();
    for (const folder of pages)
      for (const name of filesBelow(folder).flatMap((file) => [...classesOf(file)]))
        foldersOf.set(name, (foldersOf.get(name) ?? new Set()).add(folder));
    const twice = [...foldersOf].filter(([name, folders]) => folders.size > 1 && !shared.has(name));
    expect(twice.map(([name, folders]) => `.${name}: ${[...folders].join(', ')}`)).toEqual([]);
  });

  it('are files that a reader can hold in mind', () => {
    const lines = (file: string) => readFileSync(join(consoleFolder, file), 'utf8').split('\n').length;
    expect(filesBelow('.').filter((file) => lines(file) > 300)).toEqual([]);
  });

  it('leave to a page no part that every page has, unless the page says where it stands', () => {
    const parts = new Set(filesBelow('styles').flatMap((file) => alone(file)));
    const pages = filesBelow('.').filter((file) => !/^(styles|sign)\/|^base\.css/.test(file));
    expect(
      pages.flatMap((file) =>
        alone(file)
          .filter((name) => parts.has(name))
          .map((name) => `${file}: ${name}`),
      ),
    ).toEqual([]);
  });
});

/** Classes that a sheet styles by their name alone. */
function alone(file: string): string[] {
  const text = readFileSync(join(consoleFolder, file), 'utf8').replace(/\/\*[^]*?\*\//g, '');
  return [...text.matchAll(/(?<=^|[{},])\s*(\.[a-z][a-z-]*)\s*(?=[,{])/g)].map(([, name]) => name!);
}
