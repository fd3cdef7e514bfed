/** First and last code points of characters that take two columns (East Asian wide and emoji). */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

/** How many columns of a terminal a text takes; it must be clean. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOfCharacter(character);
  return columns;
}

function widthOfCharacter(character: string): number {
  if (/^\p{M}$/u.test(character)) return 0;
  const code = character.codePointAt(0)!;
  return wide.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** A text in at most so many columns; what is too much is taken out of its middle. */
export function cutMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns <= 0) return '';
  const room = columns - 1;
  const head = take([...text], Math.ceil(room / 2));
  const tail = take([...text].reverse(), Math.floor(room / 2));
  return `${head.join('')}…${tail.reverse().join('')}`;
}

/** A text in at most so many columns, without its end. */
export function cutEnd(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  return columns <= 0 ? '' : `${take([...text], columns - 1).join('')}…`;
}

export function padTo(text: string, columns: number, align: 'left' | 'right'): string {
  const gap = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'left' ? text + gap : gap + text;
}

function take(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const character of characters) {
    used += widthOfCharacter(character);
    if (used > columns) break;
    taken.push(character);
  }
  return taken;
}

/** A paragraph in lines of at most so many columns, broken between words; a longer word stands alone and is not broken. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  const [lead = ''] = /^ */.exec(text) ?? [];
  let line = lead;
  let isEmpty = true;
  for (const word of text.slice(lead.length).split(' ')) {
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (!isEmpty && widthOf(longer) > columns) {
      lines.push(line.trimEnd());
      line = indent + word;
    } else line = longer;
    isEmpty &&= word === '';
  }
  return [...lines, line];
}
