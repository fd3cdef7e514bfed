import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** All that a test of this folder may depend on: for what is kept to hold as long as it is the same. */
export function contentsOf(files: readonly string[]): string {
  return files.map((file) => `${file}\n${readFileSync(join(packageRoot, file), 'utf8')}`).join('\n');
}
