/** When the next settlement is cut: its Schedule counts its intervals from the beginning of 1970. */
export function nextBatchAt(nowMs: number, intervalH: number): Date {
  const intervalMs = intervalH * 3_600_000;
  return new Date((Math.floor(nowMs / intervalMs) + 1) * intervalMs);
}
