/** How far back the chart goes. */
export const historyRanges = ['24h', '7d', '90d'] as const;
export type HistoryRange = (typeof historyRanges)[number];

export const rangeWords: Record<HistoryRange, string> = { '24h': '24 h', '7d': '7 d', '90d': '90 d' };

export function rangeOf(text: string | null): HistoryRange {
  return historyRanges.find((range) => range === text) ?? '24h';
}
