import { tsImport } from 'tsx/esm/api';

let endRun = async () => undefined;

/** jest loads this file itself, without the tests' transform: its TypeScript imports go through tsx. */
export default async function globalSetup({ rootDir, testPathPatterns }, { testPathIgnorePatterns }) {
  const { beginRun } = await tsImport('./run.ts', import.meta.url);
  const executor = testPathPatterns.toExecutor({ rootDir });
  const ignored = testPathIgnorePatterns.map((pattern) => new RegExp(pattern));
  endRun = await beginRun((file) => executor.isMatch(file) && !ignored.some((pattern) => pattern.test(file)));
}

export async function globalTeardown() {
  await endRun();
}
