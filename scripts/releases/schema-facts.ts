export type Json = Readonly<Record<string, unknown>>;

/** What a JSON schema says of one value: what it may be, and whether it has to be there. */
export interface Fact {
  types: ReadonlySet<string>;
  /** All values that it may have, as JSON; undefined if they are not listed. */
  values: ReadonlySet<string> | undefined;
  isRequired: boolean;
  /** An object that refuses fields which it does not name. */
  isClosed: boolean;
  /** Bounds by the names of JSON schema: `minimum`, `maxLength`, … */
  bounds: Readonly<Record<string, number>>;
  pattern: string | undefined;
}

/** The facts by place: `jobs[].status`; the place of the schema itself is empty. */
export type Facts = ReadonlyMap<string, Fact>;

export const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'] as const;
export const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'] as const;

/**
 * Reads a JSON schema, with its references followed in `document`. Alternatives become one fact, which is as wide as all of
 * them together. Whether alternatives depend on each other is lost: a comparison sees each value by itself.
 */
export function factsOf(schema: unknown, document: Json): Facts {
  const facts = new Map<string, Fact>();
  add(asSchema(schema), '', true, []);
  return facts;

  function add(schema: Json, place: string, isRequired: boolean, within: readonly string[]): void {
    const { options, followed } = alternatives(schema, document, within);
    facts.set(place, factOf(options, isRequired));
    const objects = options.filter((option) => option['properties'] !== undefined);
    const names = new Set(objects.flatMap((option) => Object.keys(asSchema(option['properties']))));
    for (const name of names) {
      const anyOf = objects.map((option) => asSchema(option['properties'])[name]).filter((each) => each !== undefined);
      const always = objects.every((option) => asList(option['required']).includes(name));
      add({ anyOf }, place === '' ? name : `${place}.${name}`, always, followed);
    }
    const items = options.flatMap((option) => [option['items'], ...asList(option['prefixItems'])]).filter(isSchema);
    if (items.length > 0) add({ anyOf: items }, `${place}[]`, true, followed);
    const others = options.map((option) => option['additionalProperties']).filter(isSchema);
    if (others.some((each) => Object.keys(each).length > 0)) add({ anyOf: others }, `${place}{}`, false, followed);
  }
}

/** The schemas that a schema chooses from. A reference to a schema within itself says nothing new, and is left out. */
function alternatives(
  schema: Json,
  document: Json,
  within: readonly string[],
): { options: Json[]; followed: string[] } {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    if (within.includes(reference)) return { options: [{}], followed: [...within] };
    return alternatives(at(document, reference), document, [...within, reference]);
  }
  const choices = [...asList(schema['anyOf']), ...asList(schema['oneOf'])].filter(isSchema);
  if (choices.length > 0) {
    const found = choices.map((choice) => alternatives(choice, document, within));
    return { options: found.flatMap(({ options }) => options), followed: found.flatMap(({ followed }) => followed) };
  }
  const parts = asList(schema['allOf']).filter(isSchema);
  if (parts.length === 0) return { options: [schema], followed: [...within] };
  const found = parts.map((part) => alternatives(part, document, within));
  const together = found.flatMap(({ options }) => options).reduce(merged, schema);
  return { options: [together], followed: found.flatMap(({ followed }) => followed) };
}

function merged(a: Json, b: Json): Json {
  return {
    ...a,
    ...b,
    properties: { ...asSchema(a['properties']), ...asSchema(b['properties']) },
    required: [...asList(a['required']), ...asList(b['required'])],
  };
}

function factOf(options: readonly Json[], isRequired: boolean): Fact {
  const types = new Set(options.flatMap(typesOf));
  const listed = options.filter((option) => option['type'] !== 'null').map(valuesOf);
  const isListed = listed.length > 0 && listed.every((values) => values !== undefined);
  const sized = options.filter((option) => option['type'] !== 'null');
  const bounds: Record<string, number> = {};
  for (const [names, widest] of [
    [lowerBounds, Math.min],
    [upperBounds, Math.max],
  ] as const) {
    for (const name of names) {
      const given = sized.map((option) => option[name]).filter((value) => typeof value === 'number');
      if (given.length > 0 && given.length === sized.length) bounds[name] = widest(...given);
    }
  }
  const patterns = new Set(sized.map((option) => option['pattern']));
  const pattern = patterns.size === 1 ? [...patterns][0] : undefined;
  return {
    types,
    values: isListed ? new Set(listed.flatMap((values) => values)) : undefined,
    isRequired,
    isClosed: sized.length > 0 && sized.every((option) => option['additionalProperties'] === false),
    bounds,
    pattern: typeof pattern === 'string' ? pattern : undefined,
  };
}

function typesOf(option: Json): string[] {
  const { type } = option;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type.map(String);
  const values = 'const' in option ? [option['const']] : asList(option['enum']);
  if (values.length === 0) return ['anything'];
  return values.map((value) => (value === null ? 'null' : typeof value));
}

function valuesOf(option: Json): string[] | undefined {
  if ('const' in option) return [JSON.stringify(option['const'])];
  return Array.isArray(option['enum']) ? option['enum'].map((value) => JSON.stringify(value)) : undefined;
}

/** What a reference such as `#/components/schemas/Job` points to. */
function at(document: Json, reference: string): Json {
  const steps = reference.replace(/^#\//, '').split('/').map(decodeURIComponent);
  return asSchema(steps.reduce<unknown>((inner, step) => asSchema(inner)[step], document));
}

const isSchema = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const asSchema = (value: unknown): Json => (isSchema(value) ? value : {});
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
