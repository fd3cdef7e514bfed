/** A piece of a source that is another one in the broker with the fault. */
export interface Edit {
  /** Below the package's folder. */
  file: string;
  find: string;
  replace: string;
}

/**
 * The source of a file with an edit made.
 *
 * @throws Error when what is to be replaced does not stand there exactly once.
 */
export function edited(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has "${find}" ${parts.length - 1} times, and was to have it once`);
  return parts.join(replace);
}
