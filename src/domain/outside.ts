/**
 * Sanitizes text, times and numbers from outside: from a kubelet, an agent, a registry or a client. The results can be
 * stored, shown in a terminal and computed with, and their types prove it. A missing value is always `undefined`
 * inside, whatever form it had outside.
 */

declare const checked: unique symbol;

/** One line of text that is safe to store and print anywhere. */
export type Printable = string & { readonly [checked]: 'printable' };

/** A time in RFC 3339, UTC, with milliseconds, between the years 1970 and 9999. */
export type Instant = string & { readonly [checked]: 'instant' };

/**
 * Characters of the basic plane that are invisible, or that control, hide or reverse their neighbours. They are listed
 * as ranges for a regular expression, not as Unicode classes, because those grow with each Unicode version.
 */
export const unprintableRanges = [
  '\\u0000-\\u001f\\u007f-\\u009f', // controls
  '\\u00ad\\u034f\\u061c', // soft hyphen, grapheme joiner, Arabic mark
  '\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f', // fillers and selectors
  '\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f', // zero width, line ends, direction
  '\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff', // fillers, selectors, byte order mark, specials
].join('');

/** The same for the other planes: invisible controls of shorthand and musical notation, tags and selectors. */
export const unprintableAstral = '\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}';

const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Includes unpaired surrogates, which no text encoding can represent. */
const unprintable = new RegExp(`[${unprintableRanges}${unprintableAstral}\\p{Surrogate}]`, 'gu');

/** How much of a stranger's text a reply or a log line may quote, in characters. */
const quotedLength = 300;
/** The maximum length of a sentence including its quotations. */
const sentenceLength = 1_000;

/**
 * Makes a stranger's text safe to show: line breaks become spaces, unprintable characters are removed, and long text is
 * cut.
 *
 * @returns undefined if the value is not text, or nothing of it is left.
 */
export function printable(value: unknown, maxLength: number = quotedLength): Printable | undefined {
  if (typeof value !== 'string') return undefined;
  // Of a huge text, process no more than could ever be shown.
  const line = value
    .slice(0, maxLength * 4)
    .replace(breaks, ' ')
    .replace(unprintable, '')
    .trim();
  return line === '' ? undefined : (cut(line, maxLength) as Printable);
}

/** Sanitizes the broker's own sentence, which may quote strangers. */
export function sentence(text: string): Printable {
  return printable(text, sentenceLength) ?? ('' as Printable);
}

/**
 * Replaces unprintable characters in JSON, or in any other text kept as evidence, by JSON escapes. The meaning stays
 * the same, and the text is safe to show.
 */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintable, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** Cuts a text to a maximum length without splitting a surrogate pair. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = text.codePointAt(maxLength - 2)! > 0xffff ? maxLength - 2 : maxLength - 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** The last time that RFC 3339 and Postgres write with a four-digit year. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Parses a time from outside: a `Date` or a text.
 *
 * @returns undefined for `null`, Go's zero time, the epoch, and anything that is not a time.
 */
export function instant(value: unknown): Instant | undefined {
  if (!(value instanceof Date) && typeof value !== 'string') return undefined;
  const ms = value instanceof Date ? value.getTime() : Date.parse(value);
  return ms > 0 && ms <= lastMs ? instantAt(ms) : undefined;
}

/** Formats a time of the broker's own clock. */
export function instantAt(ms: number): Instant {
  return new Date(ms).toISOString() as Instant;
}

/**
 * Reads a number from outside, rounds it down and clamps it to the bounds.
 *
 * @returns undefined if the value is not a number.
 */
export function wholeNumber(value: unknown, { min, max }: { min: number; max: number }): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  return Math.floor(Math.min(Math.max(value, min), max));
}
