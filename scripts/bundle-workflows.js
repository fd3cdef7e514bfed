/**
 * Bundles the workflow code into one file: `node scripts/bundle-workflows.js FILE [WORKFLOWS]`, where WORKFLOWS is the index
 * of other workflows than those of this package. The build ships it, and each run of the tests makes one for all of its
 * workers; a worker without a bundle would make its own for seconds at its start.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const target = resolve(process.argv[2] ?? 'dist/workflow-bundle.js');
const workflows = process.argv[3] ?? fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: resolve(workflows),
  logger: new DefaultLogger('WARN'),
});
await mkdir(dirname(target), { recursive: true });
// A reader finds the whole file or none.
const unfinished = `${target}.${process.pid}.tmp`;
await writeFile(unfinished, code);
await rename(unfinished, target);
