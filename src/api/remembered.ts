/**
 * Reads at most once in `maxAgeMs`: many concurrent callers share one read, and a failed one is not kept. For replies to
 * callers with a credential, which no cache outside the process may have.
 */
export function remembered<T>(maxAgeMs: number, read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  let known: { value: T; untilMs: number } | undefined;
  return async () => {
    if (known !== undefined && performance.now() < known.untilMs) return known.value;
    if (underWay !== undefined) return await underWay;
    const reading = read();
    underWay = reading;
    try {
      const value = await reading;
      known = { value, untilMs: performance.now() + maxAgeMs };
      return value;
    } finally {
      underWay = undefined;
    }
  };
}
