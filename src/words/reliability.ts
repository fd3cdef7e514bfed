/** `99.9 %` of the time; `new` for a machine that nobody has watched for long enough. */
export function reliabilityText(part: number | null | undefined): string {
  if (part === null || part === undefined) return 'new';
  // Rounded down: 99.96 % is not 100, and all of the time has no decimal.
  const percent = Math.floor(part * 1000) / 10;
  return `${percent.toFixed(percent === 100 ? 0 : 1)} %`;
}
