/** Names that other APIs use for the same thing: clients mix up the names within a line. */
const synonyms: readonly (readonly string[])[] = [
  ['status', 'state', 'phase'],
  ['limit', 'per_page', 'page_size', 'size', 'count', 'first', 'take', 'max_results'],
  ['cursor', 'after', 'next', 'next_cursor', 'page_token', 'starting_after', 'continue', 'since'],
  ['offset', 'skip', 'start', 'from', 'page'],
  ['gpu', 'gpu_type', 'gpu_model', 'gpu_name', 'model', 'type'],
  ['gpu_count', 'gpus', 'min_gpus', 'num_gpus', 'available_gpus'],
  ['min_ram', 'ram', 'memory', 'min_memory', 'memory_mb', 'memory_gb'],
  ['min_cpu', 'cpu', 'cores', 'cpu_cores', 'min_cores'],
  ['min_disk', 'disk', 'storage', 'min_storage', 'storage_gb'],
  ['max_price', 'price', 'price_per_hour', 'max_price_per_hour'],
  ['sort', 'order', 'order_by', 'sort_by'],
].map((names) => names.map(plain));

/** A longer name is hardly a typo, and comparing it costs more than it helps. */
const maxLength = 32;
/** With fewer letters, too many names share a prefix. */
const minPrefix = 3;

/**
 * Guesses the name meant by an unknown one: another spelling, a synonym, or a typo.
 *
 * @returns undefined if no name is near, since a misleading guess is worse than none.
 * @example nearestName('state', ['limit', 'status']) === 'status'
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const meant = plain(name);
  if (meant === '' || meant.length > maxLength) return undefined;
  const spelled = known.find((each) => plain(each) === meant);
  if (spelled !== undefined) return spelled;
  const alike = synonyms.filter((names) => names.includes(meant)).flat();
  const synonym = known.find((each) => alike.includes(plain(each)));
  if (synonym !== undefined) return synonym;
  const begun = meant.length < minPrefix ? undefined : known.find((each) => plain(each).startsWith(meant));
  if (begun !== undefined) return begun;
  // Allow one typo in a short name and two in a longer one.
  const slips = meant.length > 5 ? 2 : 1;
  const near = known
    .map((each) => ({ name: each, distance: editDistance(meant, plain(each)) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= slips ? near.name : undefined;
}

/** Removes the differences between `gpu_type`, `gpu-type` and `gpuType`. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The number of insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced, swapped));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
