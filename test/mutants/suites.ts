import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../engines/paths.js';
import { engineNames, type EngineName } from '../../engines/stack.js';
import { enginesOfFolder } from '../support/run.js';

/** The folders of tests that need no cluster and little time; those of workflows come last, which take the most of it. */
export const cheapFolders = ['unit', 'store', 'flow'].filter((folder) => existsSync(join(packageRoot, 'test', folder)));

/** The engines that their tests need. */
export const cheapEngines: EngineName[] = [
  ...new Set(cheapFolders.flatMap((folder) => enginesOfFolder[folder] ?? engineNames)),
];

/** Whether a test runs workflows, whose code is not imported but bundled. */
export const runsWorkflows = (test: string): boolean => test.startsWith('test/flow/');

/** The test files of these folders, from the root of the checkout on. */
export function testFilesIn(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(packageRoot, 'test', folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join('test', folder, file),
      ),
    )
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
}

/** How many imports a file is away from each of those it is built from. */
export function importedBy(file: string): Map<string, number> {
  const distances = new Map([[file, 0]]);
  for (const [from, distance] of distances) {
    for (const to of importsOf(from)) if (!distances.has(to)) distances.set(to, distance + 1);
  }
  return distances;
}

const known = new Map<string, string[]>();

function importsOf(file: string): string[] {
  const before = known.get(file);
  if (before !== undefined) return before;
  const path = join(packageRoot, file);
  const { importedFiles } = ts.preProcessFile(ts.sys.readFile(path) ?? '');
  const imports = importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => relative(packageRoot, resolve(dirname(path), fileName.replace(/\.js$/, '.ts'))))
    .filter((each) => ts.sys.fileExists(join(packageRoot, each)));
  known.set(file, imports);
  return imports;
}

/** All that a test of this folder may depend on: for what is kept to hold as long as it is the same. */
export function contentsOf(files: readonly string[]): string {
  return files.map((file) => `${file}\n${readFileSync(join(packageRoot, file), 'utf8')}`).join('\n');
}
