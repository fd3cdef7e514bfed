import { z, type ZodType } from 'zod';

type JsonSchema = Record<string, unknown>;

const registry = z.registry<{ as: JsonSchema }>();

/** Sets how the OpenAPI document shows a schema, if the schema itself says less than is meant. */
export function shownAs<S extends ZodType>(schema: S, as: JsonSchema): S {
  registry.add(schema, { as });
  return schema;
}

/** How to show a schema, if that was set for it or for the schema it was derived from. */
export function shown(schema: unknown): JsonSchema | undefined {
  return registry.get(schema as ZodType)?.as;
}
