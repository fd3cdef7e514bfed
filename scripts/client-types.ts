import { format, resolveConfig } from 'prettier';
import type { RouteRule } from '../src/api/route.js';
import { errorsOf, openapiDocument } from '../src/api/openapi.js';
import type { ErrorCode } from '../src/wire/error-codes.js';
import { comment, identifier, indented, typeOf, type JsonSchema } from './typescript-of-schema.js';

interface Media {
  content?: Record<string, { schema: JsonSchema }>;
}

interface Operation {
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: JsonSchema }[];
  requestBody?: Media & { required: boolean };
  responses: Record<string, Media>;
}

const notice = '// Made by `npm run client:types` of the route table. Do not edit.';

/** The client's generated files, by their paths: they say the same as the API's own description. */
export async function clientFiles(rules: readonly RouteRule[]): Promise<Record<string, string>> {
  const files = {
    'src/client/types.generated.ts': typesFile(rules),
    'src/client/routes.generated.ts': routesFile(rules),
  };
  const formatted = Object.entries(files).map(async ([file, text]): Promise<[string, string]> => {
    const style = await resolveConfig(file);
    return [file, await format(text, { ...style, parser: 'typescript' })];
  });
  return Object.fromEntries(await Promise.all(formatted));
}

function typesFile(rules: readonly RouteRule[]): string {
  const document = openapiDocument(rules, 'https://broker.example.com') as unknown as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, JsonSchema> };
  };
  const shared = sharedErrors(rules);
  const named = Object.entries(document.components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => declaration(name, schema));
  const routes = [...rules]
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map((rule) => {
      const path = rule.path.replace(/:([a-z_]+)/gi, '{$1}');
      return routeType(rule, document.paths[path]![rule.method.toLowerCase()]!, shared);
    });
  const all = `/** Every route: what it takes, and what it answers. */\nexport interface Routes {\n${indented(routes.join('\n'))}\n}`;
  const errors = [
    `/** Codes that every route may answer. */\nexport type CommonError = ${codes(shared.common)};`,
    `/** Codes of every route that takes a credential. */\nexport type AuthError = ${codes(shared.auth)};`,
  ];
  return `${[notice, ...named, ...errors, all].join('\n\n')}\n`;
}

function declaration(name: string, schema: JsonSchema): string {
  const { description, ...rest } = schema;
  const type = typeOf(rest);
  const written = type.startsWith('{')
    ? `export interface ${identifier(name)} ${type}`
    : `export type ${identifier(name)} = ${type};`;
  return comment(description) + written;
}

interface SharedErrors {
  common: readonly ErrorCode[];
  auth: readonly ErrorCode[];
}

function sharedErrors(rules: readonly RouteRule[]): SharedErrors {
  const ofAll = (some: readonly RouteRule[]) =>
    some.map(errorsOf).reduce((shared, codes) => shared.filter((code) => codes.includes(code)));
  const common = ofAll(rules);
  const auth = ofAll(rules.filter((rule) => rule.auth !== 'none')).filter((code) => !common.includes(code));
  return { common, auth };
}

function codes(list: readonly ErrorCode[]): string {
  return [...list]
    .sort()
    .map((code) => `'${code}'`)
    .join(' | ');
}

function routeType(
  rule: RouteRule,
  { parameters = [], requestBody, responses }: Operation,
  { common, auth }: SharedErrors,
): string {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const queryType = typeOf({
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      query.map(({ name, schema, description }) => [
        name,
        { ...schema, ...(description === undefined ? {} : { description }) },
      ]),
    ),
    required: query.filter(({ required }) => required).map(({ name }) => name),
  });
  const body = requestBody?.content?.['application/json']?.schema;
  const bodyType = body === undefined ? 'undefined' : typeOf(body) + (requestBody!.required ? '' : ' | undefined');
  const shared = rule.auth === 'none' ? common : [...common, ...auth];
  const own = errorsOf(rule).filter((code) => !shared.includes(code));
  const errors = [
    'CommonError',
    ...(rule.auth === 'none' ? [] : ['AuthError']),
    ...(own.length === 0 ? [] : [codes(own)]),
  ].join(' | ');
  const members = [
    `body: ${bodyType};`,
    `query: ${query.length === 0 ? 'undefined' : queryType};`,
    `reply: ${replyType(responses)};`,
    `errors: ${errors};`,
  ];
  return `${comment(rule.summary)}'${nameOf(rule)}': {\n${indented(members.join('\n'))}\n};`;
}

function replyType(responses: Operation['responses']): string {
  const types = Object.entries(responses)
    .filter(([status]) => /^2/.test(status))
    .map(([, { content }]) => {
      if (content === undefined) return 'undefined';
      const json = content['application/json'];
      return json === undefined ? 'string' : typeOf(json.schema);
    });
  return [...new Set(types)].join(' | ');
}

function routesFile(rules: readonly RouteRule[]): string {
  const list = (auth: readonly string[]) =>
    rules
      .filter((rule) => auth.includes(rule.auth))
      .map((rule) => `  '${nameOf(rule)}',\n`)
      .sort()
      .join('');
  return `${notice}

/** Routes that take no credential, or prove their sender by what they carry. */
export const openRoutes: readonly string[] = [
${list(['none', 'session-proof'])}];

/** Routes that take only a request that a session key has signed. */
export const signedRoutes: readonly string[] = [
${list(['signed'])}];
`;
}

function nameOf({ method, path }: RouteRule): string {
  return `${method} ${path}`;
}
