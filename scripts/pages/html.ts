/** Text as it is written into HTML, in content as well as in an attribute. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The name of a heading in links, as GitHub makes it: both read the same `.md` files. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** Gives the second heading of the same name another anchor: `-1`, then `-2`. */
export function uniqueAnchors(): (heading: string) => string {
  const seen = new Map<string, number>();
  return (heading) => {
    const anchor = anchorOf(heading);
    const before = seen.get(anchor);
    seen.set(anchor, (before ?? 0) + 1);
    return before === undefined ? anchor : `${anchor}-${before}`;
  };
}

/** A table that scrolls by itself where it is wider than the screen, also by the keyboard. */
export function scrolling(label: string, table: string): string {
  return `<div class="scroll" role="region" aria-label="${escaped(label)}" tabindex="0">${table}</div>\n`;
}

/** A table from cells that are HTML already. */
export function table(label: string, headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings.map((heading) => `<th scope="col">${heading}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n');
  return scrolling(label, `<table><thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody></table>`);
}

/** Text with `code` between backticks. */
export function withCode(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}
