import type { Command } from 'commander';
import { z } from 'zod';
import { openapiDocument } from '../../src/api/openapi.js';
import { exitCodes } from '../../src/cli/failure.js';
import { createProgram } from '../../src/cli/program.js';
import { environment } from '../../src/config/environment.js';
import { readHeartbeat, type HeartbeatMessage } from '../../src/domain/heartbeat.js';
import { capacityUpdateSchema, registrationSchema } from '../../src/domain/registration.js';
import { register } from '../../src/observability/metrics.js';
import { errorTable } from '../../src/wire/error-codes.js';
import { streams } from '../../src/wire/streams.js';
import { routeTable } from '../route-table.js';
import type { Json } from './schema-facts.js';

/** What others build on, of one version; docs/releases.md says what may change of it, and when. */
export interface PublicSurface {
  /** The OpenAPI document, without its words. */
  openapi: Json;
  /** JSON schemas of what providers send, by stream. */
  streams: Readonly<Record<string, Json>>;
  /** By name. */
  metrics: Readonly<Record<string, { type: string; labels: readonly string[] }>>;
  /** JSON schemas of the variables of the environment, with their defaults. */
  configuration: Readonly<Record<string, Json>>;
  /** The status of each error code. */
  errors: Readonly<Record<string, number>>;
  /** The options of each command of `wl`, and what `wl` exits with. */
  commands: Readonly<Record<string, readonly string[]>>;
  exitCodes: Readonly<Record<string, number>>;
}

/** The public surface of this checkout. */
export async function publicSurface(): Promise<PublicSurface> {
  return {
    openapi: wordless(openapiDocument(routeTable(), 'https://broker.example.com')) as Json,
    streams: {
      [streams.registration]: schemaOf(registrationSchema),
      [streams.capacity]: schemaOf(capacityUpdateSchema),
      [streams.heartbeat]: heartbeatSchema(),
    },
    metrics: await metricsOf(),
    configuration: configurationOf(),
    errors: Object.fromEntries(Object.entries(errorTable).map(([code, { status }]) => [code, status])),
    commands: Object.fromEntries(commandsBelow(createProgram(async () => undefined))),
    exitCodes,
  };
}

const schemaOf = (schema: z.ZodType) =>
  wordless(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })) as Json;

/** A heartbeat is read by hand: these are the fields that its reader takes from one, by what it takes for one that is missing. */
function heartbeatSchema(): Json {
  const { telemetry } = readHeartbeat(JSON.stringify({ provider_id: 'any' })) as HeartbeatMessage;
  const typeOf = (value: unknown) => ({ type: Array.isArray(value) ? 'array' : typeof value });
  const properties = Object.entries(telemetry).map(([name, value]) => [name, typeOf(value)] as const);
  return {
    type: 'object',
    properties: { provider_id: { type: 'string' }, ...Object.fromEntries(properties) },
    required: ['provider_id'],
  };
}

async function metricsOf(): Promise<PublicSurface['metrics']> {
  const labels = (name: string) =>
    (register.getSingleMetric(name) as unknown as { labelNames?: readonly string[] }).labelNames ?? [];
  const metrics = await register.getMetricsAsJSON();
  return Object.fromEntries(
    metrics
      .map(({ name, type }): [string, { type: string; labels: string[] }] => [
        name,
        { type: String(type), labels: [...labels(name)].sort() },
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function configurationOf(): PublicSurface['configuration'] {
  const { properties = {} } = schemaOf(environment) as { properties?: Record<string, Json> };
  return properties;
}

function commandsBelow(command: Command, path = 'wl'): [string, string[]][] {
  const options = command.options.map(({ long, short }) => long ?? short ?? '').sort();
  return [[path, options], ...command.commands.flatMap((each) => commandsBelow(each, `${path} ${each.name()}`))];
}

/** What people read may be said better at any time. */
const words = new Set(['description', 'summary', 'title', 'examples', 'example', '$schema', 'operationId']);

function wordless(value: unknown, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((each) => wordless(each));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, inner]) => isNames || !words.has(key) || isResponses(inner));
  return Object.fromEntries(kept.map(([key, inner]) => [key, wordless(inner, !isNames && key === 'properties')]));
}

/** A property of a schema may have the name of a word; a word of a document is a text. */
const isResponses = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
