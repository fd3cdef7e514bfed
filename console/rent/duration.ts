/** Lengths of time that people rent for, in hours. */
export const commonHours = [1, 4, 8, 24, 72] as const;

/** `45 min`, `4 h`, `1 d 12 h`. */
export function hoursText(hours: number): string {
  const minutes = Math.round(hours * 60);
  const [days, restHours, restMinutes] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const parts = [days > 0 && `${days} d`, restHours > 0 && `${restHours} h`, restMinutes > 0 && `${restMinutes} min`];
  return (
    parts
      .filter((part) => part !== false)
      .slice(0, 2)
      .join(' ') || '0 min'
  );
}

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
