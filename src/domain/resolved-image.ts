import { cudaNumber } from './gpu-needs.js';
import type { ImageReference } from './image.js';

/** What an image runs by itself. */
export interface ImageProgram {
  /** Empty if the image has none. */
  entrypoint: string[];
  cmd: string[];
}

/** An image as its registry describes it, for one architecture. */
export interface ResolvedImage extends ImageProgram {
  /** Of what the reference names, an index or a manifest: `sha256:<64 hex digits>`. */
  digest: string;
  /** Of all layers as they are sent, compressed. */
  sizeBytes: number;
  /** Its own variables that say which CUDA it needs. */
  env: Readonly<Record<string, string>>;
}

/** The reference by which an image of this digest runs, whatever its tag means by then. */
export function byDigest({ registry, repository }: ImageReference, digest: string): string {
  return `${registry}/${repository}@${digest}`;
}

/**
 * The CUDA version that an image requires of a machine's driver, as `cudaNumber`; undefined if it requires none.
 *
 * `NVIDIA_REQUIRE_CUDA` is what the machine's GPU runtime checks: alternatives separated by spaces, each of conditions
 * separated by commas. Others than `cuda>=` are about data centre drivers of old, which nobody needs to have. Images
 * without it say at most which CUDA they have; from CUDA 11 on, that runs on drivers of the same major version.
 */
export function requiredCuda(env: Readonly<Record<string, string>>): number | undefined {
  const required = env['NVIDIA_REQUIRE_CUDA'];
  if (required !== undefined) {
    const versions = required.split(/\s+/).flatMap((conditions) => {
      const version = conditions.split(',').find((condition) => condition.startsWith('cuda>='));
      return version === undefined ? [] : [cudaNumber(version.slice('cuda>='.length))];
    });
    const known = versions.filter((version) => version !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }
  const has = cudaNumber(env['CUDA_VERSION'] ?? '');
  if (has === undefined) return undefined;
  return has < 11_000 ? has : Math.floor(has / 1000) * 1000;
}
