import { BrokerError } from '../domain/errors.js';
import type { RouteRule } from './route.js';

export type RouteMatch =
  | { found: true; rule: RouteRule; params: Record<string, string> }
  | { found: false; /** Methods that the path does answer; empty for an unknown path. */ allow: string[] };

export interface RouteTable {
  readonly rules: readonly RouteRule[];
  /** @throws BrokerError `malformed_request` for a path that is not valid percent-encoded UTF-8. */
  match(method: string, path: string): RouteMatch;
}

interface Pattern {
  segments: readonly string[];
  /** How many segments are literal: `/providers/search` goes before `/providers/:id`. */
  literals: number;
  methods: Map<string, RouteRule>;
}

/**
 * The routes there are. What has no rule does not exist: there is no other way to attach a handler, so none can be
 * reached without the authentication, scopes and limits that its rule states.
 */
export function createRouteTable(rules: readonly RouteRule[]): RouteTable {
  const patterns = new Map<string, Pattern>();
  for (const rule of rules) {
    const shape = rule.path.replace(/:[a-z_]+/gi, ':');
    const segments = rule.path.split('/');
    const pattern = patterns.get(shape) ?? {
      segments,
      literals: segments.filter((segment) => !segment.startsWith(':')).length,
      methods: new Map<string, RouteRule>(),
    };
    if (pattern.methods.has(rule.method)) throw new Error(`two rules for ${rule.method} ${rule.path}`);
    if (rule.auth === 'none' && rule.scopes.length > 0) throw new Error(`${rule.path}: scopes without authentication`);
    pattern.methods.set(rule.method, rule);
    patterns.set(shape, pattern);
  }
  const ordered = [...patterns.values()].sort((a, b) => b.literals - a.literals);

  return {
    rules,
    match(method, path) {
      const given = path.split('/');
      const pattern = ordered.find(({ segments }) => fits(segments, given));
      if (pattern === undefined) return { found: false, allow: [] };
      const rule = pattern.methods.get(method === 'HEAD' ? 'GET' : method);
      if (rule === undefined) return { found: false, allow: allowed(pattern) };
      return { found: true, rule, params: paramsOf(rule.path.split('/'), given) };
    },
  };
}

function fits(segments: readonly string[], given: readonly string[]): boolean {
  if (segments.length !== given.length) return false;
  return segments.every((segment, index) => (segment.startsWith(':') ? given[index] !== '' : segment === given[index]));
}

function allowed({ methods }: Pattern): string[] {
  const names = [...methods.keys()];
  return [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
}

function paramsOf(segments: readonly string[], given: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  segments.forEach((segment, index) => {
    if (segment.startsWith(':')) params[segment.slice(1)] = decoded(given[index]!);
  });
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new BrokerError('malformed_request', 'the path is not valid percent-encoded UTF-8');
  }
}
