/** `99.9 %` of the time; `new` for a machine that nobody has watched for long enough. */
export function reliabilityText(part: number | null | undefined): string {
  if (part === null || part === undefined) return 'new';
  // Rounded down: 99.96 % is not 100.
  return `${(Math.floor(part * 1000) / 10).toFixed(1)} %`;
}
