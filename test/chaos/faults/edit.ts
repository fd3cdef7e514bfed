/** A piece of source that differs in the broker with the fault. */
export interface Edit {
  /** Relative to the package's folder. */
  file: string;
  find: string;
  replace: string;
}

/**
 * A file's source with an edit applied.
 *
 * @throws Error unless the text to replace occurs exactly once.
 */
export function edited(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has "${find}" ${parts.length - 1} times, and was to have it once`);
  return parts.join(replace);
}
