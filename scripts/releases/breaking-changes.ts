import type { PublicSurface } from './public-surface.js';
import { replyChanges, requestChanges, type SchemaChange, type Within } from './schema-changes.js';
import type { Json } from './schema-facts.js';

/** Something that worked with the version before and may not work with this one. */
export interface BreakingChange {
  /** As a changelog names it: `GET /api/v1/jobs/{id}`, a variable, a metric, a stream, a code, a command. */
  place: string;
  /** The field within it; empty if it is all of it. */
  field: string;
  says: string;
}

/** What of a version's public surface is broken by another one, in the order of the former. Additions break nothing. */
export function breakingChanges(before: PublicSurface, after: PublicSurface): BreakingChange[] {
  return [
    ...routeChanges(before, after),
    ...taken(before.streams, after.streams),
    ...taken(before.configuration, after.configuration),
    ...gone(before.metrics, after.metrics),
    ...metricChanges(before, after),
    ...gone(before.errors, after.errors),
    ...changedNumbers(before.errors, after.errors, 'status'),
    ...gone(before.commands, after.commands),
    ...commandChanges(before, after),
    ...gone(before.exitCodes, after.exitCodes),
    ...changedNumbers(before.exitCodes, after.exitCodes, 'code'),
  ];
}

const change = (place: string, field: string, says: string): BreakingChange => ({ place, field, says });

function gone(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): BreakingChange[] {
  return Object.keys(before)
    .filter((name) => !(name in after))
    .map((name) => change(name, '', 'is gone'));
}

/** Of streams and variables, which others write. A default is part of what a variable means. */
function taken(before: Readonly<Record<string, Json>>, after: Readonly<Record<string, Json>>): BreakingChange[] {
  return Object.entries(before).flatMap(([name, schema]) => {
    const now = after[name];
    if (now === undefined) return [change(name, '', 'is gone')];
    const changes = requestChanges({ schema, document: schema }, { schema: now, document: now });
    const [was, is] = [schema, now].map((each) => JSON.stringify(each['default']));
    if (was !== undefined && was !== is)
      changes.push({ field: '', says: `is ${is ?? 'nothing'} unless set, and was ${was}` });
    return changes.map(({ field, says }) => change(name, field, says));
  });
}

function metricChanges(before: PublicSurface, after: PublicSurface): BreakingChange[] {
  return Object.entries(before.metrics).flatMap(([name, was]) => {
    const is = after.metrics[name];
    if (is === undefined) return [];
    const labels = was.labels.filter((label) => !is.labels.includes(label));
    return [
      ...(was.type === is.type ? [] : [change(name, '', `is a ${is.type}, and was a ${was.type}`)]),
      ...labels.map((label) => change(name, label, 'is gone')),
    ];
  });
}

function changedNumbers(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  what: string,
): BreakingChange[] {
  return Object.entries(before)
    .filter(([name, was]) => name in after && after[name] !== was)
    .map(([name, was]) => change(name, '', `has the ${what} ${after[name]}, which was ${was}`));
}

function commandChanges({ commands: before }: PublicSurface, { commands: after }: PublicSurface): BreakingChange[] {
  return Object.entries(before).flatMap(([name, options]) =>
    options
      .filter((option) => after[name]?.includes(option) === false)
      .map((option) => change(name, option, 'is gone')),
  );
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];
const record = (value: unknown) => (value ?? {}) as Record<string, unknown>;

function routeChanges(before: PublicSurface, after: PublicSurface): BreakingChange[] {
  const paths = record(after.openapi['paths']);
  return Object.entries(record(before.openapi['paths'])).flatMap(([path, item]) =>
    Object.entries(record(item))
      .filter(([method]) => methods.includes(method))
      .flatMap(([method, was]) => {
        const place = `${method.toUpperCase()} ${path}`;
        const is = record(paths[path])[method];
        if (is === undefined) return [change(place, '', 'is gone')];
        const [old, now] = [
          { document: before.openapi, operation: record(was) },
          { document: after.openapi, operation: record(is) },
        ];
        const changes = [...callerChanges(old, now), ...inputChanges(old, now), ...outputChanges(old, now)];
        return changes.map(({ field, says }) => change(place, field, says));
      }),
  );
}

interface Operation {
  document: Json;
  operation: Record<string, unknown>;
}

/** Who may call it. */
function callerChanges({ operation: was }: Operation, { operation: is }: Operation): SchemaChange[] {
  const ways = (operation: Record<string, unknown>) => {
    const given = (operation['security'] as object[] | undefined) ?? [];
    return given.length === 0 ? ['nobody in particular'] : given.map((way) => Object.keys(way).sort().join(' and '));
  };
  const now = ways(is);
  const isOpen = now.includes('nobody in particular') || now.includes('');
  const lost = isOpen ? [] : ways(was).filter((way) => !now.includes(way));
  const scopes = (operation: Record<string, unknown>) => (operation['x-scopes'] as string[] | undefined) ?? [];
  const asked = scopes(is).filter((scope) => !scopes(was).includes(scope));
  return [
    ...lost.map((way) => ({ field: '', says: `is not open to ${way || 'nobody in particular'} any more` })),
    ...asked.map((scope) => ({ field: scope, says: 'is a scope that it asks for now' })),
  ];
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: unknown;
}

function inputChanges(old: Operation, now: Operation): SchemaChange[] {
  const parameters = ({ operation }: Operation) => (operation['parameters'] as Parameter[] | undefined) ?? [];
  const asObject = (operation: Operation, place: string): Within => {
    const those = parameters(operation).filter((each) => each.in === place);
    const properties = Object.fromEntries(those.map(({ name, schema }) => [name, schema ?? {}]));
    const required = those.filter((each) => each.required === true).map(({ name }) => name);
    return { schema: { type: 'object', properties, required }, document: operation.document };
  };
  const body = ({ operation, document }: Operation): Within => ({
    schema: contents(record(operation['requestBody']))['application/json'],
    document,
  });
  const isRequired = ({ operation }: Operation) => record(operation['requestBody'])['required'] === true;
  const [was, is] = [body(old), body(now)];
  const isNew = isRequired(now) && !isRequired(old);
  return [
    ...['path', 'query', 'header'].flatMap((place) => requestChanges(asObject(old, place), asObject(now, place))),
    ...(was.schema !== undefined && is.schema === undefined ? [{ field: '', says: 'takes no body any more' }] : []),
    ...(isNew ? [{ field: '', says: 'has to have a body' }] : []),
    ...(was.schema !== undefined && is.schema !== undefined ? requestChanges(was, is) : []),
  ];
}

function outputChanges(old: Operation, now: Operation): SchemaChange[] {
  const replies = ({ operation }: Operation) => record(operation['responses']);
  return Object.entries(replies(old))
    .filter(([status]) => /^[23]/.test(status))
    .flatMap(([status, reply]) => {
      const is = replies(now)[status];
      if (is === undefined) return [{ field: status, says: 'is never its status now' }];
      const [was, can] = [contents(record(reply)), contents(record(is))];
      return Object.entries(was).flatMap(([type, schema]) => {
        if (!(type in can)) return [{ field: type, says: 'is never its answer now' }];
        return replyChanges({ schema, document: old.document }, { schema: can[type], document: now.document });
      });
    });
}

/** The schemas of a body by its types. */
function contents(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record(body['content'])).map(([type, content]) => [type, record(content)['schema'] ?? {}]),
  );
}
