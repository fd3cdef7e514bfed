import { relative } from 'node:path';
import swc from '@swc/jest';
import { mutated } from './apply.js';
import { mutatedFolders, noting } from './functions.js';

/** Set while it is noted which functions the test files run. */
const notes = process.env['BROKER_MUTANTS_NOTE'] === '1';

/** The transform of the tests, of the source as the mutant has it. Its cache goes by the text, so none sees another's. */
export default {
  createTransformer(options) {
    const { process: transform, processAsync, getCacheKey, canInstrument } = swc.createTransformer(options);
    const changed = (source, path, rootDir) => {
      const file = relative(rootDir, path);
      if (!mutatedFolders.some((folder) => file.startsWith(`${folder}/`))) return source;
      return notes ? noting(file, source) : mutated(source, file);
    };
    const wrapped = (inner) => (source, path, rest) => inner(changed(source, path, rest.config.rootDir), path, rest);
    return {
      canInstrument,
      process: wrapped(transform),
      processAsync: wrapped(processAsync),
      getCacheKey: wrapped(getCacheKey),
    };
  },
};
