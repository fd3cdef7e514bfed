import type { ParsedUrlQuery } from 'node:querystring';
import type { FieldProblem } from '../domain/errors.js';
import { nearestName } from '../domain/nearest-name.js';
import { shown } from './problem.js';

/**
 * What is wrong with the fields of a query, whatever stands in them: a name that the route does not know, since passing
 * it over would answer another question than the one that was asked, and a field that comes twice, since nobody can
 * say which of them is meant.
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

/** A query with one value for each name; of several the first, as far as it is looked at any further. */
export function singleValues(query: ParsedUrlQuery): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}
