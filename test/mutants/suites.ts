import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';
import { engineNames, type EngineName } from '../../engines/stack.js';
import { enginesOfFolder } from '../support/run.js';

/** The folders of quick tests that need no cluster; the tests of workflows come last, because they take longest. */
export const cheapFolders = ['unit', 'store', 'chain', 'flow'].filter((folder) =>
  existsSync(join(packageRoot, 'test', folder)),
);

/** The engines that these tests need. */
export const cheapEngines: EngineName[] = [
  ...new Set(cheapFolders.flatMap((folder) => enginesOfFolder[folder] ?? engineNames)),
];

/** Whether a test runs workflows, whose code it does not import but bundles. */
export const runsWorkflows = (test: string): boolean =>
  test.startsWith('test/flow/') || test.endsWith('-workflow.test.ts');

/** The test files of these folders, relative to the root of the checkout. */
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

/** Everything that the tests of this folder may depend on: a cached result is valid while it is unchanged. */
export function contentsOf(files: readonly string[]): string {
  return files.map((file) => `${file}\n${readFileSync(join(packageRoot, file), 'utf8')}`).join('\n');
}
