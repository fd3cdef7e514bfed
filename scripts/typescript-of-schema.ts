/** The part of JSON Schema that the API's description uses. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  not?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema | false;
  prefixItems?: JsonSchema[];
}

/** The TypeScript type of a schema. An object's type begins with a brace. */
export function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return identifier(schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1));
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return union(schema.enum.map((value) => literal(value)));
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return union(either.map(typeOf));
  if (schema.allOf !== undefined) return schema.allOf.map((part) => grouped(typeOf(part))).join(' & ');
  if (schema.not !== undefined && Object.keys(schema.not).length === 0) return 'never';
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type })));
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return arrayType(schema);
    case 'object':
      return objectType(schema);
    default:
      return schema.properties === undefined ? 'unknown' : objectType(schema);
  }
}

function arrayType({ items, prefixItems }: JsonSchema): string {
  if (prefixItems !== undefined) return `[${prefixItems.map(typeOf).join(', ')}]`;
  return `${items === undefined || items === false ? 'unknown' : grouped(typeOf(items))}[]`;
}

function objectType({ properties = {}, required = [], additionalProperties }: JsonSchema): string {
  const members = Object.entries(properties).map(
    ([name, schema]) =>
      `${comment(schema.description)}${key(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
  );
  // Members that a schema does not name are unknown beside those it names, whose types could not differ otherwise.
  const others =
    typeof additionalProperties === 'object' && members.length === 0 ? typeOf(additionalProperties) : 'unknown';
  if (typeof additionalProperties === 'object' || (members.length === 0 && additionalProperties !== false))
    members.push(`[name: string]: ${others};`);
  return members.length === 0 ? 'Record<string, never>' : `{\n${indented(members.join('\n'))}\n}`;
}

function union(types: readonly string[]): string {
  const parts = new Set(types.flatMap((type) => (type.includes('{') ? [type] : type.split(' | '))));
  // Any text includes each of the texts beside it.
  const unique = [...parts].filter((type) => type !== 'never' && !(type.startsWith("'") && parts.has('string')));
  if (unique.length === 0) return 'never';
  return unique.includes('unknown') ? 'unknown' : unique.map(grouped).join(' | ');
}

/** In brackets where the type has several parts. */
function grouped(type: string): string {
  return /^[^{]* [|&] /.test(type) ? `(${type})` : type;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replace(/[\\']/g, '\\$&')}'` : JSON.stringify(value);
}

function key(name: string): string {
  return /^[a-z_$][\w$]*$/i.test(name) ? name : `'${name.replace(/[\\']/g, '\\$&')}'`;
}

/** A name as TypeScript has it. */
export function identifier(name: string): string {
  return name.replace(/\W/g, '_');
}

/** A doc comment with its line break; nothing without a text. */
export function comment(text: string | undefined): string {
  return text === undefined ? '' : `/** ${text.replace(/\*\//g, '* /').replace(/\s+/g, ' ')} */\n`;
}

export function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
