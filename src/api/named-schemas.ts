import { z, type ZodType } from 'zod';
import { shown } from './schemas/shown-as.js';

export type Json = Record<string, unknown>;
type Direction = 'input' | 'output';

const prefix = '#/components/schemas/';

/** The JSON schemas of one document: those with a name (`.meta({ id })`) stand once, and others refer to them. */
export interface NamedSchemas {
  /** What to write where the schema is used: a reference if it has a name. */
  of(schema: ZodType, direction: Direction): Json;
  /** The same, with the reference of the schema itself followed; those within it stay. */
  resolved(schema: ZodType, direction: Direction): Json;
  /** `components.schemas`; complete once every schema of the document was asked for. */
  components: Json;
}

/** Starts an empty collection; a schema that is read and written differently gets a name for each direction. */
export function createNamedSchemas(): NamedSchemas {
  const components: Json = {};
  const seen = new Map<string, string>();

  const of = (schema: ZodType, direction: Direction): Json => {
    const { $defs = {}, ...json } = jsonSchema(schema, direction) as Json & { $defs?: Record<string, Json> };
    const names = new Map<string, string>();
    for (const id of Object.keys($defs)) names.set(id, nameOf(id, direction, expanded($defs[id]!, $defs)));
    for (const [id, name] of names) components[name] ??= pointed($defs[id]!, names);
    return pointed(json, names) as Json;
  };

  /** The first schema with an id has it as its name; another one with that id is named for its direction. */
  function nameOf(id: string, direction: Direction, content: string): string {
    const name = [id, id + (direction === 'input' ? 'Input' : 'Output')].find(
      (candidate) => (seen.get(candidate) ?? content) === content,
    );
    if (name === undefined) throw new Error(`two different schemas have the id ${id}`);
    seen.set(name, content);
    return name;
  }

  return {
    components,
    of,
    resolved(schema, direction) {
      const json = of(schema, direction);
      const reference = json['$ref'];
      return typeof reference === 'string' ? (components[reference.slice(prefix.length)] as Json) : json;
    },
  };
}

/** A definition with everything that it refers to, to tell whether two of the same name are the same. */
function expanded(definition: unknown, defs: Record<string, Json>, within: readonly string[] = []): string {
  return JSON.stringify(definition, (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string') return value;
    const id = idOf(value);
    return within.includes(id) ? id : expanded(defs[id], defs, [...within, id]);
  });
}

/** A copy whose references point into the document's components. */
function pointed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => pointed(item, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === '$ref' && typeof inner === 'string'
        ? [key, prefix + (names.get(idOf(inner)) ?? idOf(inner))]
        : [key, pointed(inner, names)],
    ),
  );
}

function idOf(reference: string): string {
  return decodeURIComponent(reference.slice(reference.lastIndexOf('/') + 1));
}

function jsonSchema(schema: ZodType, io: Direction): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema: made }) {
      const { inputExamples, ...rest } = made as Json;
      if (inputExamples !== undefined) replace(made, { ...rest, examples: inputExamples });
      const as = shown(zodSchema);
      if (as !== undefined) replace(made, as);
    },
  }) as Json;
  return json;
}

function replace(target: object, by: Json): void {
  for (const key of Object.keys(target)) delete target[key as keyof typeof target];
  Object.assign(target, by);
}
