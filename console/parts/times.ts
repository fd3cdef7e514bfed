/** Times and lengths of time as they are shown. */

/** `2:51:07`, `51:07`, `3 d 04:10`: a clock that counts down or up. */
export function clockOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes, rest] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  const two = (value: number) => String(value).padStart(2, '0');
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `14 s`, `3 min`, `2 h 5 min`, `4 d 3 h`: short, with the two largest units from an hour on. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** `as of 14 s ago`; below five seconds `just now`. */
export function ageInWords(ageMs: number): string {
  return ageMs < 5_000 ? 'just now' : `as of ${shortDuration(ageMs / 1000)} ago`;
}

/** `21:51` today, `27 Nov, 21:51` this year, `27 Nov 2025, 21:51`, in the reader's time zone. */
export function timeInWords(at: Date, nowMs: number): string {
  if (Number.isNaN(at.getTime())) return '';
  const now = new Date(nowMs);
  const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === now.toDateString()) return time;
  const isThisYear = at.getFullYear() === now.getFullYear();
  const day = at.toLocaleDateString('en-GB', {
    ...{ day: 'numeric', month: 'short' },
    ...(isThisYear ? {} : { year: 'numeric' }),
  });
  return `${day}, ${time}`;
}

/** `27 Nov` for `2026-11-27`: a day of UTC, whatever the reader's time zone. */
export function dayInWords(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
}
