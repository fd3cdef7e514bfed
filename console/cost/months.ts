/** A month of UTC, as statements have it: `2026-11`. */
export type Month = string;

const pattern = /^(20\d\d)-(0[1-9]|1[0-2])$/;
/** How far back the list of months goes; the arrows go on. */
const listed = 24;

export function monthOf(ms: number): Month {
  return new Date(ms).toISOString().slice(0, 7);
}

export function isMonth(text: string | null): text is Month {
  return text !== null && pattern.test(text);
}

/** The month that the address names; this month if it names none, or one that has not begun. */
export function readMonth(query: URLSearchParams, nowMs: number): Month {
  const [asked, now] = [query.get('month'), monthOf(nowMs)];
  return isMonth(asked) && asked <= now ? asked : now;
}

/** The month some months before or after. */
export function monthsFrom(month: Month, by: number): Month {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return monthOf(Date.UTC(year, number - 1 + by));
}

/** `November 2026`. */
export function monthInWords(month: Month): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString('en-GB', {
    ...{ month: 'long', year: 'numeric', timeZone: 'UTC' },
  });
}

/** Months to choose from, the newest first; the chosen one is always among them. */
export function monthChoices(chosen: Month, nowMs: number): Month[] {
  const now = monthOf(nowMs);
  const months = Array.from({ length: listed }, (_, at) => monthsFrom(now, -at));
  return months.includes(chosen) ? months : [...months, chosen];
}

/** The next month; undefined for the one that is now. */
export function nextMonth(month: Month, nowMs: number): Month | undefined {
  return month >= monthOf(nowMs) ? undefined : monthsFrom(month, 1);
}

/** The month before; undefined before there were brokers. */
export function previousMonth(month: Month): Month | undefined {
  const before = monthsFrom(month, -1);
  return isMonth(before) ? before : undefined;
}

/** The first and the last moment, as the API takes times. */
export function rangeOfMonth(month: Month): { from: string; to: string } {
  return { from: `${month}-01T00:00:00.000Z`, to: `${monthsFrom(month, 1)}-01T00:00:00.000Z` };
}
