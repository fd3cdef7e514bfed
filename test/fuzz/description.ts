import { z } from 'zod';
import type { Random } from '../support/random.js';

interface Schema {
  type?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  examples?: unknown[];
}

interface DescribedResponse {
  description: string;
  content?: Record<string, { schema: object }>;
}

/** An operation of the API's description. */
export interface Operation {
  id: string;
  method: string;
  /** `/api/v1/jobs/{id}` */
  path: string;
  scopes: readonly string[];
  /** Whether it needs no authentication. */
  isOpen: boolean;
  /** Whether a bearer token is sufficient. */
  takesTokens: boolean;
  parameters: readonly { name: string; in: 'path' | 'query' | 'header'; schema: Schema }[];
  /** The first example of its body. */
  example?: unknown;
  /** The difference between a response and the description; undefined if there is none. */
  misfit(answer: { status: number; type: string; json: unknown }): string | undefined;
}

interface Described {
  operationId: string;
  'x-scopes'?: string[];
  security: object[];
  parameters?: Operation['parameters'];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<string, DescribedResponse>;
}

/** The operations of an OpenAPI page, in its order. */
export function operationsOf(page: unknown): Operation[] {
  const { paths, components } = withoutNames(page) as {
    paths: Record<string, Record<string, Described>>;
    components: { schemas: { Problem: z.core.JSONSchema.JSONSchema } };
  };
  const problem = z.fromJSONSchema(components.schemas.Problem);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      id: described.operationId,
      method: method.toUpperCase(),
      path,
      scopes: described['x-scopes'] ?? [],
      isOpen: described.security.length === 0,
      takesTokens: described.security.some((way) => 'bearer' in way),
      parameters: described.parameters ?? [],
      example: described.requestBody?.content['application/json'].schema.examples?.[0],
      misfit: misfits(described.responses, problem),
    })),
  );
}

/** The page with each reference to a named schema replaced by the schema. */
function withoutNames(page: unknown): unknown {
  const { schemas } = (page as { components: { schemas: Record<string, unknown> } }).components;
  return replaced(page);

  function replaced(part: unknown): unknown {
    if (Array.isArray(part)) return part.map(replaced);
    if (typeof part !== 'object' || part === null) return part;
    const { $ref } = part as { $ref?: unknown };
    if (typeof $ref === 'string') return replaced(schemas[$ref.replace('#/components/schemas/', '')]);
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, replaced(value)]));
  }
}

function misfits(responses: Record<string, DescribedResponse>, problem: z.ZodType): Operation['misfit'] {
  const schemas = new Map<string, z.ZodType>();
  for (const [status, { content }] of Object.entries(responses)) {
    const schema = content?.['application/json']?.schema;
    if (schema !== undefined) schemas.set(status, z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema));
  }
  return ({ status, type, json }) => {
    const response = responses[status];
    if (response === undefined) return 'a status that is not described';
    if (type.startsWith('application/problem+json')) {
      const { error } = problem.safeParse(json);
      if (error !== undefined) return `a problem that is none: ${error.message}`;
      // A problem's description lists the codes of that status.
      const { code } = json as { code: string };
      return response.description.split(', ').includes(code) ? undefined : `the code ${code}, which is not described`;
    }
    const found = schemas.get(String(status))?.safeParse(json).error;
    return found === undefined ? undefined : `a body that is not as described: ${found.message}`;
  };
}

/** Values that a schema cannot express, by the name of the parameter. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

/** Some query parameters, each with a value that its schema allows. */
export function someQuery({ parameters }: Operation, random: Random, known: KnownValues): Record<string, string> {
  const chosen = parameters.filter(({ in: place }) => place === 'query' && random.next() < 0.3);
  return Object.fromEntries(
    chosen.flatMap(({ name, schema }) => {
      const values = known[name] ?? schema.enum?.map(String) ?? [];
      if (values.length > 0) return [[name, random.pick(values)]];
      if (schema.type !== 'integer' && schema.type !== 'number') return [];
      const { minimum = 0, maximum = 1_000 } = schema;
      return [[name, String(random.whole(minimum, Math.min(maximum, 1_000)))]];
    }),
  );
}
