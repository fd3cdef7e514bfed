import { z, type ZodType } from 'zod';
import { brokerVersion } from '../broker-version.js';
import type { RouteRule } from './route.js';
import { createNamedSchemas, type Json, type NamedSchemas } from './named-schemas.js';
import { errorTable, unansweredCodes, type ErrorCode } from '../wire/error-codes.js';

const methodsWithBody = new Set(['POST', 'PUT', 'PATCH']);

/** Errors of every request with a credential. */
const authErrors: ErrorCode[] = [
  'auth_required',
  'auth_ambiguous',
  'session_unknown',
  'session_expired',
  'session_revoked',
  'signature_invalid',
  'timestamp_skew',
  'nonce_reused',
  'auth_backend_unavailable',
];

/** Some problems have further members. */
const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum((Object.keys(errorTable) as ErrorCode[]).filter((code) => !unansweredCodes.includes(code))),
    detail: z.string(),
    request_id: z.string(),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('With validation_failed: every invalid field'),
  })
  .meta({ id: 'Problem' });

/** The codes a rule can return, including those that follow from its requirements. */
export function errorsOf(rule: RouteRule): ErrorCode[] {
  const codes = new Set<ErrorCode>([
    ...rule.errors,
    'malformed_request',
    'headers_too_large',
    'request_timeout',
    'rate_limited',
    'internal_error',
    'dependency_unavailable',
  ]);
  if (rule.auth !== 'none' || rule.knowsCallers === true) for (const code of authErrors) codes.add(code);
  if (rule.scopes.length > 0) codes.add('scope_denied');
  if (rule.request !== undefined || rule.anyQuery !== true) codes.add('validation_failed');
  if (methodsWithBody.has(rule.method) || rule.request?.body !== undefined)
    codes.add('payload_too_large').add('unsupported_media_type');
  return [...codes];
}

/**
 * The OpenAPI 3.1 document of a route table. Everything in it comes from the rules, so it always matches what is
 * served.
 */
export function openapiDocument(rules: readonly RouteRule[], serverUrl: string): Json {
  const schemas = createNamedSchemas();
  schemas.of(problemSchema, 'output');
  const paths: Record<string, Json> = {};
  for (const rule of rules) {
    const path = rule.path.replace(/:([a-z_]+)/gi, '{$1}');
    (paths[path] ??= {})[rule.method.toLowerCase()] = operation(rule, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'WorldLand Broker',
      // Of the broker that serves it: that of the paths is in them.
      version: brokerVersion(),
      description: 'Rent GPUs by the hour. Times are RFC 3339, prices are token units per hour, a GB is 1024 MB.',
    },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      schemas: schemas.components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token from POST /api/v1/auth/tokens: wlb_…' },
        ...Object.fromEntries(
          ['key', 'timestamp', 'nonce', 'signature'].map((part) => [
            `session_${part}`,
            {
              type: 'apiKey',
              in: 'header',
              name: `X-Session-${part}`,
              description: 'Part of a request signature; send all four',
            },
          ]),
        ),
      },
    },
  };
}

function operation(rule: RouteRule, schemas: NamedSchemas): Json {
  const { summary, scopes, request, operators } = rule;
  const parameters = [
    ...pathParameters(rule, schemas),
    ...schemaParameters(request?.query, 'query', schemas),
    ...schemaParameters(request?.headers, 'header', schemas),
  ];
  return {
    operationId: operationId(rule),
    summary,
    ...(scopes.length === 0
      ? {}
      : { description: `Needs ${scopes.join(', ')}${operators === true ? ', or admin' : ''}.`, 'x-scopes': scopes }),
    security: security(rule),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(request?.body === undefined
      ? {}
      : {
          requestBody: {
            required: !request.body.safeParse(undefined).success,
            content: { 'application/json': { schema: schemas.of(request.body, 'input') } },
          },
        }),
    responses: { ...problemResponses(rule), ...successResponses(rule, schemas) },
  };
}

function operationId({ method, path }: RouteRule): string {
  const words = path
    .replace('/api/v1', '')
    .split('/')
    .filter((word) => word !== '');
  const named = words.map((word) => (word.startsWith(':') ? `by-${word.slice(1)}` : word.replace(/\W/g, '-')));
  return [method.toLowerCase(), ...named].join('-');
}

function security({ auth, knowsCallers }: Pick<RouteRule, 'auth' | 'knowsCallers'>): Json[] {
  // An empty requirement beside others says that they are optional.
  if (auth === 'none') return knowsCallers === true ? [{}, ...security({ auth: 'any' })] : [];
  const signature = { session_key: [], session_timestamp: [], session_nonce: [], session_signature: [] };
  return auth === 'any' ? [{ bearer: [] }, signature] : [signature];
}

function pathParameters({ path, request }: RouteRule, schemas: NamedSchemas): Json[] {
  const described = request?.params === undefined ? {} : propertiesOf(schemas.resolved(request.params, 'input'));
  return [...path.matchAll(/:([a-z_]+)/gi)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: described[name!] ?? { type: 'string' },
  }));
}

function schemaParameters(schema: ZodType | undefined, place: 'query' | 'header', schemas: NamedSchemas): Json[] {
  if (schema === undefined) return [];
  const json = schemas.resolved(schema, 'input');
  const required = (json['required'] as string[] | undefined) ?? [];
  return Object.entries(propertiesOf(json)).map(([name, property]) => {
    const { description, ...rest } = property as Json;
    return {
      name,
      in: place,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function propertiesOf(json: Json): Json {
  return (json['properties'] as Json | undefined) ?? {};
}

function successResponses({ responses }: RouteRule, schemas: NamedSchemas): Json {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema, alsoAs = [] }]) => [
      status,
      {
        description,
        ...(schema === undefined
          ? {}
          : {
              content: {
                'application/json': { schema: schemas.of(schema, 'output') },
                ...Object.fromEntries(alsoAs.map((type) => [type, { schema: { type: 'string' } }])),
              },
            }),
      },
    ]),
  );
}

function problemResponses(rule: RouteRule): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(rule)) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.join(', '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}
