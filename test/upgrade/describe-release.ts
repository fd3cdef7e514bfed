import { describe } from '@jest/globals';
import { describeUnless } from '../support/needs.js';
import { released, releaseIs } from './released-build.js';

/**
 * `describe` where the released version can be built. A shallow clone, or sources without a repository, cannot: there the
 * tests are skipped, also in CI, and the run says why. A whole clone without the commit fails in CI.
 */
export const describeRelease = ((): typeof describe | typeof describe.skip => {
  const missing = `commit ${released.commit} of version ${released.version}`;
  switch (releaseIs()) {
    case 'there':
      return describe;
    case 'missing':
      return describeUnless(missing);
    default:
      console.warn(`skipped: this needs ${missing}, which git fetch --unshallow brings`);
      return describe.skip;
  }
})();
