import { escaped, withCode } from './html.js';
import type { Json } from './route-table.js';

/** Deeper fields are left to the OpenAPI document: nobody reads them in a table. */
const maxDepth = 5;

/** A JSON Schema as rows of a table: field, type, whether it must be there, and what it is; nested fields by their path. */
export function schemaRows(schema: Json, document: Json): string[][] {
  return rowsOf(resolved(schema, document), '', document, 0);
}

function rowsOf(schema: Json, path: string, document: Json, depth: number): string[][] {
  if (depth > maxDepth) return [];
  const required = (schema['required'] as string[] | undefined) ?? [];
  const own = Object.entries((schema['properties'] as Record<string, Json> | undefined) ?? {}).flatMap(
    ([name, given]) => {
      const property = resolved(given, document);
      const at = path === '' ? name : `${path}.${name}`;
      const row = [
        `<code>${escaped(at)}</code>`,
        typeInWords(property, document),
        required.includes(name) ? 'yes' : '',
        describe(property),
      ];
      return [row, ...below(property, at, document, depth)];
    },
  );
  const { additionalProperties, items } = schema as { additionalProperties?: unknown; items?: Json };
  if (own.length === 0 && items !== undefined) return below(schema, path, document, depth);
  if (typeof additionalProperties !== 'object' || additionalProperties === null) return own;
  const value = resolved(additionalProperties as Json, document);
  if (Object.keys(value).length === 0) return own;
  const at = path === '' ? '*' : `${path}.*`;
  return [
    ...own,
    [`<code>${escaped(at)}</code>`, typeInWords(value, document), '', describe(value)],
    ...below(value, at, document, depth),
  ];
}

/** The fields of a property's objects: its own, those of the items of a list, or those of each variant. */
function below(property: Json, at: string, document: Json, depth: number): string[][] {
  const items = property['items'];
  if (typeof items === 'object' && items !== null) {
    return rowsOf(resolved(items as Json, document), `${at}[]`, document, depth + 1);
  }
  const variants = variantsOf(property).map((variant) => resolved(variant, document));
  if (variants.length > 0) {
    return variants.flatMap((variant) =>
      variant['type'] === 'object' ? rowsOf(variant, at, document, depth + 1) : below(variant, at, document, depth + 1),
    );
  }
  return rowsOf(property, at, document, depth + 1);
}

/** A type in words: `whole number, 1 to 8`, `one of a, b`, `list of text`. */
export function typeInWords(given: Json, document: Json): string {
  const schema = resolved(given, document);
  const {
    enum: choices,
    const: only,
    type,
    format,
    minimum,
    maximum,
    items,
  } = schema as {
    enum?: unknown[];
    const?: unknown;
    type?: string | string[];
    format?: string;
    minimum?: number;
    maximum?: number;
    items?: Json;
  };
  if (only !== undefined) return `<code>${escaped(JSON.stringify(only))}</code>`;
  if (choices !== undefined)
    return choices.map((choice) => `<code>${escaped(JSON.stringify(choice))}</code>`).join(', ');
  const variants = variantsOf(schema);
  if (variants.length > 0) return [...new Set(variants.map((each) => typeInWords(each, document)))].join(' or ');
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeInWords(items, document)}`;
  if (Array.isArray(type)) return type.map((each) => typeInWords({ ...schema, type: each }, document)).join(' or ');
  if (type === 'integer' || type === 'number') return numberInWords(type, minimum, maximum);
  if (type === 'string') return format === 'date-time' ? 'time' : format === 'uuid' ? 'UUID' : 'text';
  return { boolean: 'true or false', null: 'null', object: 'object' }[type ?? ''] ?? 'anything';
}

function numberInWords(type: string, minimum?: number, maximum?: number): string {
  const kind = type === 'integer' ? 'whole number' : 'number';
  const low = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (low !== undefined && high !== undefined) return `${kind}, ${low} to ${high}`;
  if (low !== undefined) return `${kind}, at least ${low}`;
  return high === undefined ? kind : `${kind}, at most ${high}`;
}

function describe(schema: Json): string {
  const {
    description,
    default: fallback,
    examples,
  } = schema as {
    description?: string;
    default?: unknown;
    examples?: unknown[];
  };
  return [
    description === undefined ? '' : withCode(description),
    fallback === undefined ? '' : `Default <code>${escaped(JSON.stringify(fallback))}</code>`,
    examples === undefined || examples.length === 0
      ? ''
      : `For instance ${examples
          .slice(0, 3)
          .map((each) => `<code>${escaped(JSON.stringify(each))}</code>`)
          .join(', ')}`,
  ]
    .filter((part) => part !== '')
    .join('. ');
}

function variantsOf(schema: Json): Json[] {
  const variants = schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf'];
  const all = Array.isArray(variants) ? (variants as Json[]) : [];
  const given = all.filter((variant) => !isAbsence(variant));
  return given.length === 0 ? all : given;
}

/** `null` and the empty text are accepted where a field may be left out, and mean just that. */
function isAbsence({ type, const: only }: Json): boolean {
  return type === 'null' || only === '' || only === null;
}

/** A schema, or the named one that it refers to. */
function resolved(schema: Json, document: Json): Json {
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const target = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document);
  const { $ref: _, ...own } = schema;
  return { ...((target as Json | undefined) ?? {}), ...own };
}
