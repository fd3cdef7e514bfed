import { describe, test } from '@jest/globals';

const isCi = (process.env['CI'] ?? '') !== '';

/**
 * `describe` if nothing is missing. Otherwise the tests are skipped and the run says why; in CI, whose machine has
 * everything, the file fails instead.
 *
 * @param missing what this machine lacks.
 */
export function describeUnless(missing: string | undefined): typeof describe | typeof describe.skip {
  return isThere(missing) ? describe : describe.skip;
}

/** The same, but for a kind of machine that CI need not have: the tests are skipped there, too. */
export function describeOrSkip(missing: string | undefined): typeof describe | typeof describe.skip {
  if (missing === undefined) return describe;
  console.warn(`skipped: this needs ${missing}`);
  return describe.skip;
}

/** As `describeUnless`, for a single test. */
export function testUnless(missing: string | undefined): typeof test | typeof test.skip {
  return isThere(missing) ? test : test.skip;
}

function isThere(missing: string | undefined): boolean {
  if (missing === undefined) return true;
  if (isCi) throw new Error(`in CI nothing is skipped, and this machine lacks ${missing}`);
  console.warn(`skipped: this needs ${missing}`);
  return false;
}
