import { z, type ZodType } from 'zod';

type JsonSchema = Record<string, unknown>;

const registry = z.registry<{ as: JsonSchema }>();

/** Says how a schema is described on the API page where its own form says less than is meant. */
export function shownAs<S extends ZodType>(schema: S, as: JsonSchema): S {
  registry.add(schema, { as });
  return schema;
}

/** What a schema is to be described as, also when it was derived from one of which that was said. */
export function shown(schema: unknown): JsonSchema | undefined {
  return registry.get(schema as ZodType)?.as;
}
