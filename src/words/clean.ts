/** Controls, invisible formats (all bidi controls among them), private and unassigned characters, and separators. */
const unprintable = /[\p{C}\u2028\u2029\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]/gu;
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Marks without end, which a terminal stacks over the lines above. */
const manyMarks = /(\p{M}{2})\p{M}+/gu;
/** What JSON may hold as it is, although a terminal obeys it. */
const unescaped = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * Text of a stranger (a provider's name for a GPU, a message) as it may go to a terminal: on one line, without what moves
 * the cursor, rings, colours, or turns the direction of writing.
 */
export function clean(text: string): string {
  return text.replace(breaks, ' ').replace(unprintable, '').replace(manyMarks, '$1');
}

/** The same for a text of several lines. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n');
}

/** A value as one JSON document, in which every character that a terminal obeys is escaped. */
export function cleanJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2) ?? 'null';
  return text.replace(unescaped, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
