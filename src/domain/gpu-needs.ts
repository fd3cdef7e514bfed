/** What an order may ask of a GPU and of the machine that it is in. */
export interface GpuNeeds {
  /** GB, as GPUs are sold: a T4 has 16. */
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
  architecture?: Architecture;
}

/** What somebody may be promised of several; nothing where it is not known of one. */
export function least(figures: readonly (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length < figures.length ? undefined : Math.min(...known);
}

export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/**
 * A CUDA version as a number that compares as versions do: `12.4` is 12004. Some write it as CUDA itself does, `12040`.
 *
 * @returns undefined for what says no version.
 */
export function cudaNumber(text: string): number | undefined {
  const parts = /^(?:cuda[ -]?)?(?:version )?(\d{1,2})(?:\.(\d{1,2}))?(?:\.\d{1,4})*$/i.exec(text.trim());
  if (parts !== null) return Number(parts[1]) * 1000 + Number(parts[2] ?? 0) || undefined;
  const whole = /^(\d{1,2})0(\d)0$/.exec(text.trim());
  return whole === null ? undefined : Number(whole[1]) * 1000 + Number(whole[2]);
}

/**
 * What the field, Go, `uname` and Docker call one architecture in one word.
 *
 * @returns the text itself in lower case for any other, '' where nothing is said.
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
