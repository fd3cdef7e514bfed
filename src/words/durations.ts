const units = { s: 1, m: 60, min: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/**
 * Reads `90s`, `15m`, `8h`, `1h30m`, `2d`.
 *
 * @returns seconds; undefined if it is none, also for a number without a unit.
 */
export function readDuration(text: string): number | undefined {
  const parts = [
    ...text
      .trim()
      .toLowerCase()
      .matchAll(/(\d{1,7}(?:\.\d{1,3})?)\s*(min|[smhdw])\s*/gy),
  ];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text.trim().toLowerCase()) return undefined;
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0);
  return seconds > 0 ? Math.round(seconds) : undefined;
}

/** `41 s`, `14 min`, `2 h 52`, `3 d 4 h`: the two largest units. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${String(minutes % 60).padStart(2, '0')}`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** How long a step took: `0.1 s`, `41.2 s`, then as `durationText`. */
export function stepText(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : durationText(ms / 1000);
}

/** A moment as its person reads it: relative to now, or absolute in UTC. */
export function momentText(at: string, { nowMs, isUtc }: { nowMs: number; isUtc: boolean }): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return '–';
  if (isUtc) return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')}Z`;
  const seconds = (ms - nowMs) / 1000;
  return seconds >= 0 ? `in ${durationText(seconds)}` : `${durationText(-seconds)} ago`;
}

/** The time on this computer's clock; with the day if it is not today's. */
export function clockText(at: string | number, { nowMs, isUtc }: { nowMs: number; isUtc: boolean }): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '–';
  if (isUtc) return `${date.toISOString().slice(0, 16).replace('T', ' ')}Z`;
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  return isToday ? time : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/**
 * Reads when something is to end: `21:51` (the next one on this clock), `2026-11-27 08:00`, or a full ISO time.
 *
 * @returns undefined if it is none.
 */
export function readMoment(text: string, nowMs: number): Date | undefined {
  const time = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (time !== null) {
    const [hours, minutes] = [Number(time[1]), Number(time[2])];
    if (hours > 23 || minutes > 59) return undefined;
    const date = new Date(nowMs);
    date.setHours(hours, minutes, 0, 0);
    if (date.getTime() <= nowMs) date.setDate(date.getDate() + 1);
    return date;
  }
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text.trim())) {
    return undefined;
  }
  const date = new Date(text.trim().replace(' ', 'T'));
  return Number.isNaN(date.getTime()) ? undefined : date;
}
