/**
 * Bundles the workflow code into one file: `node scripts/bundle-workflows.js FILE [WORKFLOWS]`. WORKFLOWS is the index of the
 * workflows, by default of this package's. The build ships the bundle, and each test run makes one for all of its workers:
 * without it, each worker would spend seconds on its own at its start.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const target = resolve(process.argv[2] ?? 'dist/workflow-bundle.js');
const workflows = resolve(process.argv[3] ?? fileURLToPath(new URL('../workflows/index.ts', import.meta.url)));
const { code } = await bundleWorkflowCode({
  workflowsPath: workflows,
  // Beside the index: as a source or compiled, as that is.
  workflowInterceptorModules: [resolve(dirname(workflows), `interceptors${extname(workflows)}`)],
  logger: new DefaultLogger('WARN'),
});
await mkdir(dirname(target), { recursive: true });
// Rename it last, so that a reader finds either the whole file or none.
const unfinished = `${target}.${process.pid}.tmp`;
await writeFile(unfinished, code);
await rename(unfinished, target);
