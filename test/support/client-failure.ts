import { WorldLandError } from '../../src/client/index.js';

/** What a call of the client fails with. A call that succeeds, or that fails in another way, fails the test. */
export async function failure(of: Promise<unknown>): Promise<WorldLandError> {
  const error = await of.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WorldLandError)) throw new Error(`no WorldLandError: ${String(error)}`);
  return error;
}
