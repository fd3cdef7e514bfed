import { openapiDocument } from '../../src/api/openapi.js';
import type { RouteRule } from '../../src/api/route.js';
import { routeTable } from '../route-table.js';

export type Json = Record<string, unknown>;

export interface RouteTable {
  rules: readonly RouteRule[];
  /** The OpenAPI document of the same rules. */
  document: Json;
}

export function readRouteTable(): RouteTable {
  const rules = routeTable();
  return { rules, document: openapiDocument(rules, 'https://broker.example.com') };
}
