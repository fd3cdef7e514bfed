import { readFileSync } from 'node:fs';
import type { Endpoints } from '../../engines/engine.js';

export type { Endpoints };

/** The variable that names the `endpoints.json` of the engines that tests run against. */
export const endpointsVariable = 'BROKER_TEST_ENDPOINTS';

/**
 * Where the engines of the tests are reached. jest's global setup starts a stack of its own for tests outside of
 * `test/unit`, unless the variable names one that runs already.
 */
export function endpoints(): Endpoints {
  const file = process.env[endpointsVariable];
  if (file === undefined || file === '') {
    throw new Error(`${endpointsVariable} is not set: tests that need engines live outside of test/unit`);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Endpoints;
}

/** One address of the engines; a test that needs it fails here when the stack was started without that engine. */
export function endpoint(name: Exclude<keyof Endpoints, 'metrics' | 'pids'>): string {
  const address = endpoints()[name];
  if (address === undefined) throw new Error(`the engines of the tests were started without ${name}`);
  return address;
}
