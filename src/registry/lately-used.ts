/** A map of bounded size: what was not used for the longest time makes room. Entries may have a time after which they are gone. */
interface LatelyUsed<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, untilMs?: number): void;
}

export function latelyUsed<Value>(size: number, now: () => number = Date.now): LatelyUsed<Value> {
  const entries = new Map<string, { value: Value; untilMs: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.untilMs <= now()) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, untilMs = Infinity) {
      entries.delete(key);
      entries.set(key, { value, untilMs });
      if (entries.size > size) entries.delete(entries.keys().next().value!);
    },
  };
}
