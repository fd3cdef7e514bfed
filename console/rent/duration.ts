/** Lengths of time that people rent for, in hours. */
export const commonHours = [1, 4, 8, 24, 72] as const;

/**
 * When a job of so many hours would end if it started now: `21:51`, `tomorrow at 09:00`, `Wed 2 December at 21:51`. In the
 * time zone of whoever reads it.
 */
export function endText(hours: number, nowMs: number, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const end = new Date(nowMs + hours * 3_600_000);
  if (Number.isNaN(end.getTime())) return '';
  const time = end.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', ...zone });
  const day = (at: Date) => at.toLocaleDateString('en-CA', zone);
  if (day(end) === day(new Date(nowMs))) return time;
  if (day(end) === day(new Date(nowMs + 86_400_000))) return `tomorrow at ${time}`;
  const date = end.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'long', ...zone });
  return `${date.replace(',', '')} at ${time}`;
}
