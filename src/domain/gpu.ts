/**
 * The key for comparing and counting GPU types: lower case, vendor words removed, and each run of characters other than
 * letters and digits replaced by a dash. `NVIDIA GeForce RTX 4090`, `RTX 4090` and `rtx-4090` are one type.
 */
export function gpuTypeKey(name: string): string {
  return (
    name
      .toLowerCase()
      // \b treats `_` as a letter. Resources carry their vendor's domain.
      .replace(/_/g, ' ')
      .replace(/\b(nvidia|amd|intel)\.com\//g, ' ')
      .replace(/\b(nvidia|geforce|amd|radeon|intel)\b/g, ' ')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
  );
}

/**
 * The value of the `worldland.io/gpu-model` label: lower case, spaces replaced by dashes, and reduced to what a
 * Kubernetes label value allows (63 characters at most).
 */
export function gpuModelLabel(name: string): string {
  return name
    .toLowerCase()
    .replace(/\s+/g, '-')
    .replace(/[^a-z0-9._-]/g, '')
    .slice(0, 63)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
