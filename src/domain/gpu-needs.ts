/** What an order may require of a GPU and its machine. */
export interface GpuNeeds {
  /** GB, as sold: a T4 has 16. */
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
  architecture?: Architecture;
}

/** The figure that can be promised for a group: its smallest, or undefined if one is unknown. */
export function least(figures: readonly (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length < figures.length ? undefined : Math.min(...known);
}

export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/**
 * Converts a CUDA version to a number that sorts like versions: `12.4` becomes 12004. Also accepts CUDA's own `12040`.
 *
 * @returns undefined if the text is not a version.
 */
export function cudaNumber(text: string): number | undefined {
  const parts = /^(?:cuda[ -]?)?(?:version )?(\d{1,2})(?:\.(\d{1,2}))?(?:\.\d{1,4})*$/i.exec(text.trim());
  if (parts !== null) return Number(parts[1]) * 1000 + Number(parts[2] ?? 0) || undefined;
  const whole = /^(\d{1,2})0(\d)0$/.exec(text.trim());
  return whole === null ? undefined : Number(whole[1]) * 1000 + Number(whole[2]);
}

/**
 * Maps the names that agents, Go, `uname` and Docker use for an architecture to one.
 *
 * @returns any other text in lower case; '' for an empty one.
 */
export function architectureOf(text: string): string {
  const said = text
    .trim()
    .toLowerCase()
    .replace(/^linux\//, '');
  if (/^(?:amd64|x86[-_]64|x64|i?86_64)$/.test(said)) return 'amd64';
  if (/^(?:arm64|aarch64|arm64\/?v8)$/.test(said)) return 'arm64';
  return said.slice(0, 64);
}
