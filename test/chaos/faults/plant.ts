import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import ts from 'typescript';
import { packageRoot } from '../../../src/engines/paths.js';
import { edited } from './edit.js';
import type { Fault } from './faults.js';

/** A broker with a fault, beside the one that was built. */
export interface PlantedBroker {
  /** Its program, for BROKER_MAIN. */
  main: string;
  remove(): void;
}

/** Copies what was built and puts a fault into the copy. The copy is below the package's folder, where its modules are. */
export async function plantBroker({ edits }: Fault): Promise<PlantedBroker> {
  const faults = join(packageRoot, '.data/faults');
  mkdirSync(faults, { recursive: true });
  const folder = mkdtempSync(join(faults, 'broker-'));
  cpSync(join(packageRoot, 'dist'), folder, { recursive: true, filter: (path) => !path.endsWith('.map') });
  const files = new Map<string, string>();
  for (const edit of edits) {
    const before = files.get(edit.file) ?? readFileSync(join(packageRoot, edit.file), 'utf8');
    files.set(edit.file, edited(before, edit));
  }
  for (const [file, source] of files) {
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    });
    writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
  // Workers with the same workflows take them from the same bundle; only where they differ is it made anew.
  if ([...files.keys()].some((file) => file.startsWith('workflows/') || file.startsWith('src/domain/'))) {
    const workflowsPath = join(folder, 'workflows/index.js');
    const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
    writeFileSync(join(folder, 'workflow-bundle.js'), code);
  }
  return { main: join(folder, 'src/main.js'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
