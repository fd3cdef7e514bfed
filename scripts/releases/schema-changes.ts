import { factsOf, lowerBounds, upperBounds, type Fact, type Facts, type Json } from './schema-facts.js';

/** A schema and the document in which its references stand. */
export interface Within {
  schema: unknown;
  document: Json;
}

/** A change of one value: its place in the schema, empty for the whole, and what it breaks. */
export interface SchemaChange {
  field: string;
  says: string;
}

/** What was sent to the old one and the new one refuses, or no longer heeds. */
export function requestChanges(before: Within, after: Within): SchemaChange[] {
  const [old, now] = [factsOf(before.schema, before.document), factsOf(after.schema, after.document)];
  const changes = gone(old, now, 'is no longer taken');
  for (const [field, was, is] of inBoth(old, now)) {
    const says = [
      ...missingTypes(was, is).map((type) => `takes no ${type} any more`),
      ...missingValues(was, is).map((value) => `no longer takes ${value}`),
      ...narrowed(was, is),
      ...(takesAllThat(was, is) ? [] : ['has another pattern']),
      ...(is.isRequired && !was.isRequired ? ['has to be given'] : []),
      ...(is.isClosed && !was.isClosed ? ['refuses fields that it does not know'] : []),
    ];
    changes.push(...says.map((each) => ({ field, says: each })));
  }
  for (const [field, is] of now) {
    if (!old.has(field) && is.isRequired && old.has(parentOf(field))) changes.push({ field, says: 'has to be given' });
  }
  return changes;
}

/** What a reader of the old replies relies on and the new ones do not give. Readers ignore what they do not know. */
export function replyChanges(before: Within, after: Within): SchemaChange[] {
  const [old, now] = [factsOf(before.schema, before.document), factsOf(after.schema, after.document)];
  const changes = gone(old, now, 'is gone');
  for (const [field, was, is] of inBoth(old, now)) {
    const lost = was.values === undefined || is.values === undefined ? [] : [...was.values];
    const says = [
      ...missingTypes(is, was).map((type) => `may be ${type} now`),
      ...lost.filter((value) => !is.values!.has(value)).map((value) => `is never ${value} now`),
      ...(was.isRequired && !is.isRequired ? ['may be absent now'] : []),
    ];
    changes.push(...says.map((each) => ({ field, says: each })));
  }
  return changes;
}

function* inBoth(old: Facts, now: Facts): Generator<[field: string, was: Fact, is: Fact]> {
  for (const [field, was] of old) {
    const is = now.get(field);
    if (is !== undefined) yield [field, was, is];
  }
}

/** Only the outermost of what is gone: the rest goes with it. */
function gone(old: Facts, now: Facts, says: string): SchemaChange[] {
  const opaque = [...now].filter(([, { types }]) => types.has('anything')).map(([field]) => field);
  return [...old.keys()]
    .filter((field) => !now.has(field) && now.has(parentOf(field)) && !opaque.includes(parentOf(field)))
    .map((field) => ({ field, says }));
}

function parentOf(field: string): string {
  if (/(?:\[\]|\{\})$/.test(field)) return field.slice(0, -2);
  return field.includes('.') ? field.slice(0, field.lastIndexOf('.')) : '';
}

/** Whether a pattern is the one that was, or takes each of the values that were listed. Others cannot be compared. */
function takesAllThat(was: Fact, { pattern }: Fact): boolean {
  if (pattern === undefined || pattern === was.pattern) return true;
  const taken = new RegExp(pattern, 'u');
  return was.values !== undefined && [...was.values].every((value) => taken.test(String(JSON.parse(value))));
}

function missingTypes(of: Fact, within: Fact): string[] {
  if (within.types.has('anything')) return [];
  const isIn = (type: string) => within.types.has(type) || (type === 'integer' && within.types.has('number'));
  return [...of.types].filter((type) => !isIn(type));
}

function missingValues(was: Fact, is: Fact): string[] {
  if (is.values === undefined) return [];
  if (was.values === undefined) return ['other values than those that are listed'];
  return [...was.values].filter((value) => !is.values!.has(value));
}

function narrowed(was: Fact, is: Fact): string[] {
  const lower = lowerBounds.filter((name) => (is.bounds[name] ?? -Infinity) > (was.bounds[name] ?? -Infinity));
  const upper = upperBounds.filter((name) => (is.bounds[name] ?? Infinity) < (was.bounds[name] ?? Infinity));
  return [...lower, ...upper].map((name) => `has ${name} ${is.bounds[name]}, which was ${was.bounds[name] ?? 'open'}`);
}
