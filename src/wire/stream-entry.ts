/** An entry as the driver returns it: field names and values alternate. */
export type StreamEntry = [id: string, fields: string[]];

/** Negative if entry `a` was appended before entry `b`, by their ids. */
export function compareEntryIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}

/**
 * The fields by name. Of duplicates the first counts, as in `dataOf`, so that the value that was checked is the value
 * that is read.
 */
export function fieldsByName(fields: readonly string[]): Record<string, string> {
  const named = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) {
    if (!named.has(fields[at]!)) named.set(fields[at]!, fields[at + 1] ?? '');
  }
  return Object.fromEntries(named);
}
