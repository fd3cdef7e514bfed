import { z, type ZodType } from 'zod';

/** The paths of all fields in a schema, including the first item of each list and one entry of each map. */
export function fieldsOf(schema: ZodType): string[][] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return paths(json, json.$defs ?? {});
}

/** Replaces any name in the path of a map's entry. */
export const anyName = 'SOME_NAME';

/** `within` are the named schemas that the path goes through: one that holds itself is not entered again. */
function paths(
  schema: unknown,
  named: Record<string, unknown>,
  path: string[] = [],
  within: readonly string[] = [],
): string[][] {
  const { $ref, properties, anyOf, items, additionalProperties } = schema as {
    $ref?: string;
    properties?: Record<string, unknown>;
    anyOf?: unknown[];
    items?: unknown;
    additionalProperties?: unknown;
  };
  const id = $ref?.slice($ref.lastIndexOf('/') + 1);
  if (id !== undefined) return within.includes(id) ? [] : paths(named[id], named, path, [...within, id]);
  const below = (name: string, inner: unknown) => [[...path, name], ...paths(inner, named, [...path, name], within)];
  return [
    ...Object.entries(properties ?? {}).flatMap(([name, inner]) => below(name, inner)),
    ...(typeof items === 'object' ? below('0', items) : []),
    ...(typeof additionalProperties === 'object' ? below(anyName, additionalProperties) : []),
    ...(anyOf ?? []).flatMap((inner) => paths(inner, named, path, within)),
  ];
}

export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], value);
}

/** The same value with a change at one path; missing lists and objects on the path are created. */
export function withValueAt(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by;
  if (name === '0') return [withValueAt((value as unknown[] | undefined)?.[0], rest, by)];
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...object, [name]: withValueAt(object[name], rest, by) };
}

/** All texts in a value, including field names. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)]);
}
