import { readFileSync } from 'node:fs';
import type { Endpoints } from '../../engines/engine.js';

export type { Endpoints };

/** The variable that names the `endpoints.json` of the tests' engines. */
export const endpointsVariable = 'BROKER_TEST_ENDPOINTS';

/**
 * The addresses of the tests' engines. jest's global setup starts a stack for all tests outside of `test/unit`, unless
 * the variable names a running one.
 */
export function endpoints(): Endpoints {
  const file = process.env[endpointsVariable];
  if (file === undefined || file === '') {
    throw new Error(`${endpointsVariable} is not set: tests that need engines live outside of test/unit`);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Endpoints;
}

/** One engine's address; a test fails here if it needs an engine that the stack was started without. */
export function endpoint(name: Exclude<keyof Endpoints, 'metrics' | 'pids'>): string {
  const address = endpoints()[name];
  if (address === undefined) throw new Error(`the engines of the tests were started without ${name}`);
  return address;
}
