/** The variable that names the folder of this run of jest, which its test files share. */
export const runFolderVariable = 'BROKER_TEST_RUN_FOLDER';

/** The folder that the global setup creates and the global teardown removes. */
export function runFolder(): string {
  const folder = process.env[runFolderVariable];
  if (folder === undefined) throw new Error(`${runFolderVariable} is not set: is jest's global setup switched off?`);
  return folder;
}
