import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/** What each file that was read imports. */
const known = new Map();

/** How many imports a file is away from each of those it is built from; paths from the root of the checkout on. */
export function importedBy(file) {
  const distances = new Map([[file, 0]]);
  for (const [from, distance] of distances) {
    for (const to of importsOf(from).files) if (!distances.has(to)) distances.set(to, distance + 1);
  }
  return distances;
}

const bringNativePart = ['@temporalio/worker', '@temporalio/testing'];

/**
 * Whether a file loads the native part of the Temporal SDK. It is made for one life per process: in a process that runs
 * several test files, it crashed in the second.
 */
export function loadsNativePart(file) {
  const packages = [...importedBy(file).keys()].flatMap((each) => importsOf(each).packages);
  return packages.some((name) => bringNativePart.includes(name));
}

/** The files and packages that a file imports itself. */
export function importsOf(file) {
  if (!known.has(file)) known.set(file, readImports(file));
  return known.get(file);
}

function readImports(file) {
  const path = join(packageRoot, file);
  const names = ts.preProcessFile(ts.sys.readFile(path) ?? '').importedFiles.map(({ fileName }) => fileName);
  const files = names
    .filter((name) => name.startsWith('.'))
    .flatMap((name) => ['.ts', '.tsx'].map((ending) => resolve(dirname(path), name.replace(/\.js$/, ending))))
    .map((each) => relative(packageRoot, each))
    .filter((each) => ts.sys.fileExists(join(packageRoot, each)));
  return { files, packages: names.filter((name) => !name.startsWith('.')) };
}
