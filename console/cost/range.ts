/** Days of UTC, as bills count them, from the first to the last one, both included. */
export interface DayRange {
  from: string;
  to: string;
}

const dayMs = 86_400_000;
/** The longest that one bill covers. */
export const mostDays = 366;

/** Ranges that end today. */
export const presets = [7, 31, 90] as const;
const usualDays = 31;

/** A day such as `2026-11-27`, of UTC. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The last days, today among them. */
export function lastDays(count: number, nowMs: number): DayRange {
  return { from: dayOf(nowMs - (count - 1) * dayMs), to: dayOf(nowMs) };
}

/** Whether a text is a day that there is. */
export function isDay(text: string | null): text is string {
  if (text === null || !/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && dayOf(ms) === text;
}

/** The range that the address names; the usual one if it names none that makes sense. */
export function readRange(query: URLSearchParams, nowMs: number): DayRange {
  const usual = lastDays(usualDays, nowMs);
  const [from, to] = [query.get('from'), query.get('to')];
  const range = { from: isDay(from) ? from : usual.from, to: isDay(to) ? to : usual.to };
  return problemOf(range) === undefined ? range : usual;
}

/** Why a range cannot be asked for, as a sentence. */
export function problemOf({ from, to }: DayRange): string | undefined {
  if (!isDay(from) || !isDay(to)) return 'Choose a first and a last day.';
  if (from > to) return 'The first day is after the last one.';
  return daysIn({ from, to }) > mostDays ? `Choose ${mostDays} days at most.` : undefined;
}

export function daysIn({ from, to }: DayRange): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / dayMs) + 1;
}

/** Every day of a range. */
export function daysOf({ from, to }: DayRange): string[] {
  const first = Date.parse(from);
  return Array.from({ length: daysIn({ from, to }) }, (_, at) => dayOf(first + at * dayMs));
}

/** The query of a bill: its end is not included. */
export function billRange({ from, to }: DayRange): DayRange {
  return { from, to: dayOf(Date.parse(to) + dayMs) };
}

/** Which of the usual ranges this is. */
export function presetOf(range: DayRange, nowMs: number): number | undefined {
  return presets.find((days) => {
    const preset = lastDays(days, nowMs);
    return preset.from === range.from && preset.to === range.to;
  });
}
