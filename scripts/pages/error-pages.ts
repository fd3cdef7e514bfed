import { errorsOf } from '../../src/api/openapi.js';
import { errorTable, unansweredCodes, type ErrorCode } from '../../src/wire/error-codes.js';
import { errorHelp } from '../../src/wire/error-help.js';
import { linkFrom } from './addresses.js';
import { anchorOf, escaped, table, withCode } from './html.js';
import type { Page } from './layout.js';
import type { RouteTable } from './route-table.js';

const index = { address: '/docs/errors/', title: 'Error codes' };

/** A page for each code that may be answered, and the list of all. */
export function errorPages({ rules }: RouteTable): Page[] {
  const codes = (Object.keys(errorTable) as ErrorCode[]).filter((code) => !unansweredCodes.includes(code));
  return [indexPage(codes), ...codes.map((code) => codePage(code, rules))];
}

function indexPage(codes: ErrorCode[]): Page {
  const rows = codes.map((code) => [
    `<a href="${code}"><code>${code}</code></a>`,
    String(errorTable[code].status),
    escaped(errorTable[code].title),
  ]);
  return {
    ...index,
    html: `<h1>Error codes</h1>
<p>Each error of the API is <code>application/problem+json</code> with a <code>code</code>. Decide by it: it never changes its
meaning. The header <code>Link</code> of the reply leads to the page of the code.</p>
${table('Error codes', ['Code', 'Status', 'In short'], rows)}`,
    sections: [],
    summary: 'Every error code of the API: what it means and what to do.',
  };
}

function codePage(code: ErrorCode, rules: RouteTable['rules']): Page {
  const { status, title, retryable } = errorTable[code];
  const { means, todo } = errorHelp[code];
  const address = `${index.address}${code}`;
  const again = retryable || code === 'rate_limited' ? ' The same request may succeed later.' : '';
  const answering = rules.filter((rule) => errorsOf(rule).includes(code));
  return {
    address,
    title: code,
    html: `<h1><code>${code}</code></h1>
<p>${escaped(title)}. Status ${status}.${again}</p>
<h2 id="meaning">What it means</h2>
<p>${withCode(means)}</p>
<h2 id="remedy">What to do</h2>
${steps(todo, address)}
${whereAnswered(answering, rules.length, address)}`,
    sections: [],
    summary: means.replaceAll('`', ''),
    listedBy: index,
  };
}

function steps(todo: readonly string[], address: string): string {
  const items = todo.map((step) => `<li>${withLinks(step, address)}</li>`);
  return `<ul>\n${items.join('\n')}\n</ul>`;
}

/** `code` and links to other pages, the only forms that the texts have. */
function withLinks(text: string, address: string): string {
  return withCode(text).replace(
    /\[([^\]]+)\]\((\/docs\/[^)]+)\)/g,
    (_, label: string, target: string) => `<a href="${linkFrom(address, target)}">${label}</a>`,
  );
}

function whereAnswered(rules: RouteTable['rules'], total: number, address: string): string {
  if (rules.length === 0)
    return '<p class="soft">It stands in the `failure_reason` of a job or a provider.</p>'.replace(
      /`(\w+)`/,
      '<code>$1</code>',
    );
  if (rules.length === total) return '<h2 id="routes">Where</h2>\n<p>Every route may answer it.</p>';
  const items = rules.map((rule) => {
    const group = /^\/api\/v1\/([\w-]+)/.exec(rule.path)?.[1] ?? 'process';
    const name = `${rule.method} ${rule.path}`;
    const target = linkFrom(address, `/docs/reference/${group}#${anchorOf(name)}`);
    return `<li><a href="${escaped(target)}"><code>${escaped(name)}</code></a></li>`;
  });
  return `<h2 id="routes">Where</h2>\n<ul>\n${items.join('\n')}\n</ul>`;
}
