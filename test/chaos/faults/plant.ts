import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transformSync } from '@swc/core';
import { packageRoot } from '../../../engines/paths.js';
import { edited, type Edit } from './edit.js';

/** A broker with faults, next to the one that was built. */
interface PlantedBroker {
  /** Its program, for BROKER_MAIN. */
  main: string;
  remove(): void;
}

/**
 * Copies the build and plants faults in the copy. The copy is inside the package's folder, where its modules are found.
 */
export async function plantBroker(edits: readonly Edit[]): Promise<PlantedBroker> {
  const brokers = join(packageRoot, '.data/faults');
  mkdirSync(brokers, { recursive: true });
  const folder = mkdtempSync(join(brokers, 'broker-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    cpSync(join(packageRoot, 'dist'), folder, { recursive: true, filter: (path) => !path.endsWith('.map') });
    const files = new Map<string, string>();
    for (const edit of edits) {
      const before = files.get(edit.file) ?? readFileSync(join(packageRoot, edit.file), 'utf8');
      files.set(edit.file, edited(before, edit));
    }
    for (const [file, source] of files) {
      const { code } = transformSync(source, {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript' },
          // Keeps unused imports, as the compiler does.
          transform: { verbatimModuleSyntax: true },
        },
        module: { type: 'es6' },
      });
      writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), code);
    }
    // The workflow bundle contains these; files that only activities import are not in it.
    if ([...files.keys()].some((file) => file.startsWith('workflows/') || file.startsWith('src/domain/'))) {
      const bundler = join(packageRoot, 'scripts/bundle-workflows.js');
      const index = join(folder, 'workflows/index.js');
      await promisify(execFile)(process.execPath, [bundler, join(folder, 'workflow-bundle.js'), index]);
    }
    return { main: join(folder, 'src/main.js'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}
