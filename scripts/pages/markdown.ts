import { Marked, type Token, type Tokens } from 'marked';
import { linkFrom, pictureOf, targetOf } from './addresses.js';
import { escaped, scrolling, uniqueAnchors } from './html.js';

export interface Rendered {
  title: string;
  html: string;
  /** The headings below the title, with their anchors. */
  sections: { title: string; anchor: string; depth: number }[];
  /** The first paragraph, as text. */
  summary: string;
}

/** Renders a Markdown file of the repository as the content of a page. */
export function renderMarkdown(text: string, source: string, address: string): Rendered {
  const sections: Rendered['sections'] = [];
  const anchor = uniqueAnchors();
  let title = '';
  let tables = 0;
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading({ tokens, depth }) {
        const said = plainText(tokens);
        const id = anchor(said);
        if (depth === 1) title ||= said;
        else sections.push({ title: said, anchor: id, depth });
        return `<h${depth} id="${escaped(id)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      // What is written is text; only what Markdown itself makes becomes HTML.
      html({ text: raw }) {
        return raw.trimStart().startsWith('<!--') ? '' : escaped(raw);
      },
      link({ href, tokens }) {
        const content = this.parser.parseInline(tokens);
        const target = targetOf(href, source);
        if (target === undefined) return content;
        const link = target.startsWith('https:') ? target : linkFrom(address, target);
        return `<a href="${escaped(link)}">${content}</a>`;
      },
      // Only pictures of the documentation itself: a page asks nobody else for anything.
      image({ href, text: alternative }) {
        const target = targetOf(href, source);
        if (target === undefined || !isPicture(target)) return escaped(alternative);
        return `<img src="${escaped(linkFrom(address, target))}" alt="${escaped(alternative)}" loading="lazy">`;
      },
      code({ text: code, lang }) {
        return codeBlock(code, lang);
      },
      table(token) {
        tables += 1;
        const named = token.header.map(({ tokens }) => plainText(tokens)).filter((name) => name !== '');
        return scrolling(
          `Table ${tables}${named.length === 0 ? '' : `: ${named.join(', ')}`}`,
          tableOf(token, (tokens) => this.parser.parseInline(tokens)),
        );
      },
    },
  });
  const html = marked.parse(text, { async: false });
  const tokens = marked.lexer(text);
  const first = tokens.find((token) => token.type === 'paragraph') as Tokens.Paragraph | undefined;
  return { title: title || source, html, sections, summary: plainText(first?.tokens ?? []).replace(/\s+/g, ' ') };
}

const isPicture = (target: string) => pictureOf(target.slice(1)) !== undefined;

/** A block that scrolls by itself where a line is too long for the screen, also by the keyboard. */
function codeBlock(code: string, language = ''): string {
  const kind = /^[\w-]+$/.test(language) ? ` class="language-${language}"` : '';
  return `<pre tabindex="0"><code${kind}>${escaped(code)}</code></pre>\n`;
}

/** Without empty headings, which a screen reader would read as such. */
function tableOf({ header, rows }: Tokens.Table, inline: (tokens: Token[]) => string): string {
  const cells = (row: Tokens.TableCell[], isHead: boolean) =>
    row.map(({ tokens, align }) => {
      const content = inline(tokens);
      const place = align === null ? '' : ` class="${align}"`;
      return isHead && content !== '' ? `<th scope="col"${place}>${content}</th>` : `<td${place}>${content}</td>`;
    });
  const isNamed = header.some(({ tokens }) => plainText(tokens) !== '');
  const head = isNamed ? `<thead><tr>${cells(header, true).join('')}</tr></thead>\n` : '';
  const body = rows.map((row) => `<tr>${cells(row, false).join('')}</tr>`);
  return `<table>${head}<tbody>\n${body.join('\n')}\n</tbody></table>`;
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token): string => {
      if ('tokens' in token && token.tokens !== undefined) return plainText(token.tokens);
      return 'text' in token ? unescaped(String(token.text)) : '';
    })
    .join('');
}

/** marked's inline text tokens may hold entities that stand for themselves. */
function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

/** The Markdown itself as it is published, for programs: links lead to what is published, too. */
export function publishedMarkdown(text: string, source: string, address: string): string {
  return text.replace(/(!?)\[([^\]\n]+)\]\(([^)\s]+)\)/g, (_, mark: string, label: string, href: string) => {
    const target = targetOf(href, source);
    if (target === undefined) return label;
    if (target.startsWith('https:')) return `${mark}[${label}](${target})`;
    const [path = '', anchor] = target.split('#');
    const isMarkdown = !isPicture(path) && !/^\/docs\/(?:commands|errors\/.*|reference\/.*)?$/.test(path);
    const file = isMarkdown ? `${path.endsWith('/') ? `${path}index` : path}.md` : path;
    const link = path === address ? '' : linkFrom(address, file);
    return `${mark}[${label}](${link}${anchor === undefined ? '' : `#${anchor}`})`;
  });
}
