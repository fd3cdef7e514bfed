/**
 * The key by which GPU types are compared and counted: lower case, vendor words dropped, anything else than letters
 * and digits turned into single dashes. `NVIDIA GeForce RTX 4090`, `RTX 4090` and `rtx-4090` are one type.
 */
export function gpuTypeKey(name: string): string {
  return (
    name
      .toLowerCase()
      // A letter to \b is `_` too, and resources are named after their vendor's domain.
      .replace(/_/g, ' ')
      .replace(/\b(nvidia|amd|intel)\.com\//g, ' ')
      .replace(/\b(nvidia|geforce|amd|radeon|intel)\b/g, ' ')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
  );
}

/**
 * The value of the `worldland.io/gpu-model` label: lower case, spaces to dashes, as the field writes it, with what a
 * Kubernetes label value may not hold removed (63 characters at most).
 */
export function gpuModelLabel(name: string): string {
  return name
    .toLowerCase()
    .replace(/\s+/g, '-')
    .replace(/[^a-z0-9._-]/g, '')
    .slice(0, 63)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
