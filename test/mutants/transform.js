import { relative } from 'node:path';
import swc from '@swc/jest';
import { mutatedFolders } from './mutated-folders.js';

/**
 * The transform of the tests, of a source that was changed before.
 *
 * @param change takes a source and its file, from the root of the checkout on. The cache goes by the text that it
 *   answers, so no run sees what another one changed.
 */
export function transformOf(change) {
  return {
    createTransformer(options) {
      const { process: transform, processAsync, getCacheKey, canInstrument } = swc.createTransformer(options);
      const changed = (source, path, rootDir) => {
        const file = relative(rootDir, path);
        return mutatedFolders.some((folder) => file.startsWith(`${folder}/`)) ? change(source, file) : source;
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
}
