/**
 * The borders at which text, times and numbers of strangers come in: what a kubelet, an agent, a registry or a client
 * wrote. What has been through here can be stored, shown in a terminal and computed with; the types say that it has.
 * "Not there" has one form inside, `undefined`, whatever form it had outside.
 */

declare const checked: unique symbol;

/** One line of text that can be stored and printed anywhere. */
export type Printable = string & { readonly [checked]: 'printable' };

/** A moment as RFC 3339 in UTC with milliseconds, within the years 1970 to 9999. */
export type Instant = string & { readonly [checked]: 'instant' };

/**
 * Characters of the basic plane that control, hide or turn round what stands beside them, or are not seen at all: as
 * ranges for a regular expression, and not as classes of Unicode, which grow with its versions.
 */
export const unprintableRanges = [
  '\\u0000-\\u001f\\u007f-\\u009f', // controls
  '\\u00ad\\u034f\\u061c', // soft hyphen, grapheme joiner, Arabic mark
  '\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f', // fillers and selectors
  '\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f', // zero width, line ends, direction
  '\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff', // fillers, selectors, byte order mark, specials
].join('');

/** The same of the other planes: invisible operators of shorthand and music, tags and selectors. */
export const unprintableAstral = '\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}';

const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Halves of surrogate pairs among them: no encoding of text can hold one. */
const unprintable = new RegExp(`[${unprintableRanges}${unprintableAstral}\\p{Surrogate}]`, 'gu');

/** As much as a sentence in a reply or a log line should quote of a stranger's text. */
const quotedLength = 300;
/** As much as a whole sentence of ours may have with what it quotes. */
const sentenceLength = 1_000;

/**
 * Text of a stranger, made fit to be shown: line breaks become spaces, what cannot be printed is left out, and what is
 * too long is cut.
 *
 * @returns undefined for what is no text, or none any more.
 */
export function printable(value: unknown, maxLength: number = quotedLength): Printable | undefined {
  if (typeof value !== 'string') return undefined;
  // Of a megabyte no more is looked at than could ever be shown.
  const line = value
    .slice(0, maxLength * 4)
    .replace(breaks, ' ')
    .replace(unprintable, '')
    .trim();
  return line === '' ? undefined : (cut(line, maxLength) as Printable);
}

/** A sentence of ours that may quote strangers. */
export function sentence(text: string): Printable {
  return printable(text, sentenceLength) ?? ('' as Printable);
}

/**
 * JSON, or any other text that is kept as evidence, with what cannot be printed as escapes of JSON: it says the same as
 * before, and can be shown.
 */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintable, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** At most so many characters, never half a pair. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = text.codePointAt(maxLength - 2)! > 0xffff ? maxLength - 2 : maxLength - 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** The last moment that RFC 3339 and Postgres write with four digits for the year. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * A moment as a stranger wrote it: a `Date` or a text.
 *
 * @returns undefined for `null`, the zero time of Go, the epoch, and whatever is no moment at all.
 */
export function instant(value: unknown): Instant | undefined {
  if (!(value instanceof Date) && typeof value !== 'string') return undefined;
  const ms = value instanceof Date ? value.getTime() : Date.parse(value);
  return ms > 0 && ms <= lastMs ? instantAt(ms) : undefined;
}

/** A moment of our own clock. */
export function instantAt(ms: number): Instant {
  return new Date(ms).toISOString() as Instant;
}

/**
 * A whole number as a stranger wrote it, rounded down and brought within bounds.
 *
 * @returns undefined for what is no number.
 */
export function wholeNumber(value: unknown, { min, max }: { min: number; max: number }): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  return Math.floor(Math.min(Math.max(value, min), max));
}
