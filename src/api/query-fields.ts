import type { ParsedUrlQuery } from 'node:querystring';
import type { FieldProblem } from '../domain/errors.js';
import { nearestName } from '../domain/nearest-name.js';
import { shown } from './problem.js';

/**
 * The problems of a query's field names: an unknown name, since ignoring it would answer another question, and a
 * duplicate, since it is unknown which one was meant.
 */
export function queryProblems(query: ParsedUrlQuery, known: readonly string[]): FieldProblem[] {
  return Object.entries(query).flatMap(([name, value]): FieldProblem[] => {
    const field = shown(`query.${name}`);
    if (!known.includes(name)) return [{ field, message: unknownField(name, known) }];
    return Array.isArray(value) ? [{ field, message: 'is given more than once' }] : [];
  });
}

function unknownField(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `unknown; did you mean ${nearest}?`;
  return known.length === 0 ? 'unknown; this route takes no query' : `unknown; known are ${known.join(', ')}`;
}

/** A query with one value for each name; of several values the first. */
export function singleValues(query: ParsedUrlQuery): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}
