/** An item that failed, and why. */
export interface Failed<T> {
  item: T;
  error: unknown;
}

/**
 * Runs the same for each item, `atOnce` of them concurrently. A slow item holds up one place, and a failed one nothing:
 * failures are returned, never thrown.
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
