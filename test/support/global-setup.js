import { tsImport } from 'tsx/esm/api';

let endRun = async () => undefined;

/** jest loads this file by itself, without the transform of the tests: the TypeScript behind it comes through tsx. */
export default async function globalSetup({ rootDir, testPathPatterns }) {
  const { beginRun } = await tsImport('./run.ts', import.meta.url);
  const executor = testPathPatterns.toExecutor({ rootDir });
  endRun = await beginRun((file) => executor.isMatch(file));
}

export async function globalTeardown() {
  await endRun();
}
