/** What could not be done, and why. */
export interface Failed<T> {
  item: T;
  error: unknown;
}

/**
 * Does the same with each of many, `atOnce` of them at a time. One that takes long holds up one place, and one that fails
 * nobody: what failed is the answer, and never thrown.
 */
export async function sideBySide<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<Failed<T>[]> {
  const failed: Failed<T>[] = [];
  const left = items.values();
  const place = async () => {
    for (const item of left) await work(item).catch((error: unknown) => void failed.push({ item, error }));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, place));
  return failed;
}
