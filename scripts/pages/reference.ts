import { errorsOf } from '../../src/api/openapi.js';
import type { RouteRule } from '../../src/api/route.js';
import { errorTable } from '../../src/wire/error-codes.js';
import { linkFrom } from './addresses.js';
import { anchorOf, escaped, table, withCode } from './html.js';
import type { Page } from './layout.js';
import type { Json, RouteTable } from './route-table.js';
import { schemaRows, typeInWords } from './schema-rows.js';

const index = { address: '/docs/reference/', title: 'API reference' };

const groupTitles: Record<string, string> = {
  jobs: 'Jobs',
  quotes: 'Quotes',
  offers: 'Offers',
  market: 'Market',
  billing: 'Costs',
  events: 'Events',
  'ssh-keys': 'SSH keys',
  providers: 'Providers',
  me: 'Own machines',
  mining: 'Mining',
  auth: 'Sessions and tokens',
  admin: 'Operators',
  site: 'The site',
};

/** One page for each group of routes, and their index. All of it is derived from the rules that answer requests. */
export function referencePages({ rules, document }: RouteTable): Page[] {
  const groups = new Map<string, RouteRule[]>();
  for (const rule of rules) {
    const group = /^\/api\/v1\/([\w-]+)/.exec(rule.path)?.[1] ?? 'process';
    groups.set(group, [...(groups.get(group) ?? []), rule]);
  }
  const pages = [...groups].map(([group, members]) => groupPage(group, members, document));
  return [indexPage([...groups]), ...pages];
}

const titleOf = (group: string) => groupTitles[group] ?? (group === 'process' ? 'The process' : group);
const nameOf = (rule: RouteRule) => `${rule.method} ${rule.path}`;

function indexPage(groups: [string, RouteRule[]][]): Page {
  const lists = groups.map(([group, rules]) => {
    const page = `${index.address}${group}`;
    const rows = rules.map((rule) => [
      `<a href="${escaped(linkFrom(index.address, `${page}#${anchorOf(nameOf(rule))}`))}"><code>${escaped(nameOf(rule))}</code></a>`,
      withCode(rule.summary),
      whoMay(rule),
    ]);
    const title = titleOf(group);
    return `<h2 id="${anchorOf(title)}"><a href="${escaped(linkFrom(index.address, page))}">${escaped(title)}</a></h2>\n${table(title, ['Route', 'What it does', 'Who may'], rows)}`;
  });
  const intro =
    'Every route of the API with its parameters, replies and errors, made from the same table that checks requests. Programs read the same as <a href="../../openapi.json">openapi.json</a>; <a href="../api">The API</a> explains how it is meant.';
  return {
    ...index,
    html: `<h1>API reference</h1>\n<p>${intro}</p>\n${lists.join('\n')}`,
    sections: groups.map(([group]) => ({ title: titleOf(group), anchor: anchorOf(titleOf(group)), depth: 2 })),
    summary: 'Every route of the API with its parameters, replies and errors.',
  };
}

function groupPage(group: string, rules: RouteRule[], document: Json): Page {
  const title = titleOf(group);
  const address = `${index.address}${group}`;
  return {
    address,
    title,
    html: `<h1>${escaped(title)}</h1>\n${rules.map((rule) => routeSection(rule, document, address)).join('\n')}`,
    sections: rules.map((rule) => ({ title: nameOf(rule), anchor: anchorOf(nameOf(rule)), depth: 2 })),
    summary: `${title}: ${rules.map(nameOf).join(', ')}`,
    listedBy: index,
  };
}

function routeSection(rule: RouteRule, document: Json, address: string): string {
  const name = nameOf(rule);
  const operation = operationOf(rule, document);
  return [
    `<h2 id="${anchorOf(name)}"><code>${escaped(name)}</code></h2>`,
    `<p>${withCode(rule.summary)}.</p>`,
    `<p><strong>Who may:</strong> ${whoMay(rule)}.</p>`,
    parameterTable(operation, document, name),
    bodyTable(operation, document, name),
    ...replies(operation, document, name),
    errorList(rule, address),
  ].join('\n');
}

function operationOf(rule: RouteRule, document: Json): Json {
  const path = rule.path.replace(/:([a-z_]+)/gi, '{$1}');
  return (document['paths'] as Record<string, Record<string, Json>>)[path]![rule.method.toLowerCase()]!;
}

function whoMay({ auth, scopes, operators }: RouteRule): string {
  const scopeNames = scopes.map((scope) => `<code>${scope}</code>`).join(' and ');
  if (auth === 'none') return 'everybody';
  if (auth === 'session-proof') return 'a session key that signs the request, also one that is not known yet';
  const whose = scopes.length === 0 ? 'any session' : `a session with ${scopeNames}`;
  const also = operators === true ? ', or with <code>admin</code>' : '';
  return `${whose}${also}${auth === 'signed' ? '; the request must be signed, a token is not enough' : ''}`;
}

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Json;
}

const places: Record<string, string> = { path: 'in the path', query: 'in the query', header: 'a header' };

function parameterTable(operation: Json, document: Json, name: string): string {
  const parameters = (operation['parameters'] as Parameter[] | undefined) ?? [];
  if (parameters.length === 0) return '';
  const rows = parameters.map(({ name: parameter, in: place, required, description, schema }) => [
    `<code>${escaped(parameter)}</code>`,
    places[place] ?? place,
    typeInWords(schema, document),
    required ? 'yes' : '',
    withCode(description ?? (schema['description'] as string | undefined) ?? ''),
  ]);
  return `<h3>Parameters</h3>\n${table(`Parameters of ${name}`, ['Name', 'Where', 'Type', 'Required', 'Meaning'], rows)}`;
}

const fieldHeadings = ['Field', 'Type', 'Required', 'Meaning'];

function bodyTable(operation: Json, document: Json, name: string): string {
  const body = operation['requestBody'] as
    { required?: boolean; content?: Record<string, { schema: Json }> } | undefined;
  const schema = body?.content?.['application/json']?.schema;
  if (schema === undefined) return '';
  const rows = schemaRows(schema, document);
  const intro = `<h3>Body</h3>\n<p>JSON${body?.required === false ? '; may be left out' : ''}.</p>`;
  return rows.length === 0 ? intro : `${intro}\n${table(`Body of ${name}`, fieldHeadings, rows)}`;
}

function replies(operation: Json, document: Json, name: string): string[] {
  const responses = operation['responses'] as Record<
    string,
    { description: string; content?: Record<string, { schema?: Json }> }
  >;
  return Object.entries(responses)
    .filter(([, { content }]) => content?.['application/problem+json'] === undefined)
    .flatMap(([status, { description, content }]) => {
      const parts = [`<h3>Reply ${escaped(status)}</h3>\n<p>${withCode(description)}.</p>`];
      for (const [type, { schema }] of Object.entries(content ?? {})) {
        const rows = schema === undefined ? [] : schemaRows(schema, document);
        if (type !== 'application/json') parts.push(`<p>Type <code>${escaped(type)}</code>.</p>`);
        if (rows.length > 0) parts.push(table(`Reply ${status} of ${name}`, fieldHeadings, rows));
      }
      return parts;
    });
}

function errorList(rule: RouteRule, address: string): string {
  const items = errorsOf(rule).map(
    (code) =>
      `<li><a href="${escaped(linkFrom(address, `/docs/errors/${code}`))}"><code>${code}</code></a> <span class="soft">${errorTable[code].status}</span></li>`,
  );
  return `<h3>Errors</h3>\n<ul class="codes">${items.join('\n')}</ul>`;
}
