import type Koa from 'koa';
import type { ZodObject, ZodType } from 'zod';
import type { Principal } from '../auth/customers/principal.js';
import type { BrokerError } from '../domain/errors.js';
import type { CachedReply } from './cached-read.js';
import type { Scope } from '../wire/scopes.js';
import type { ErrorCode } from '../wire/error-codes.js';

/**
 * The credential that a route requires: `any` is a bearer token or a request signature, `signed` only a request
 * signature, `session-proof` a request signature by a session key that may be unknown yet (when a session is opened).
 */
type RouteAuth = 'none' | 'any' | 'signed' | 'session-proof';

/**
 * The limit of a wallet that a route counts against. `proof` is for routes whose request itself proves its sender,
 * without a session: the handler checks the proof, and counts.
 */
export type RouteLimit = 'read' | 'write' | 'jobs' | 'proof';

/** What the middlewares provide to a handler. */
export interface ApiState {
  requestId: string;
  /** The caller; present on every route except those with `auth: 'none'`. */
  principal?: Principal;
  /** The parsed and validated JSON body; `undefined` if there is none. */
  body?: unknown;
  /** The body's exact bytes, which request signatures cover. */
  bodyBytes: Buffer;
  /** The path's parameters, decoded, and validated if the rule has `request.params`. */
  params: Record<string, string>;
  /** The query, validated if the rule has `request.query`. */
  query: unknown;
  /** The matching rule; absent until a route matched. */
  rule?: RouteRule;
  /** The cached response that was sent, if there was one. */
  sent?: CachedReply;
  /** The address that `authenticate` and the limits identify the caller by. */
  ip: string;
  /** The sender's identity is proven. */
  proven?: boolean;
  /** The refusal, unless the request proves its sender: its address is over the limit. */
  overLimit?: BrokerError;
}

export type ApiContext = Koa.ParameterizedContext<ApiState>;

/** One whole route: who may call it, what it takes, what it returns. The OpenAPI document is derived from it. */
export interface RouteRule {
  method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH';
  /** `/api/v1/jobs/:id`: literal segments, and parameters that match one segment. */
  path: string;
  auth: RouteAuth;
  /** On a route for everybody: a caller who brings a credential is identified, and told more. A bad one is refused. */
  knowsCallers?: true;
  /** Scopes the principal must hold, all of them. */
  scopes: readonly Scope[];
  /** True if the scope `admin` is enough instead: an operator may act for everybody. */
  operators?: boolean;
  limit: RouteLimit;
  handler: (ctx: ApiContext) => Promise<void>;
  /** For a route whose clients may ask it to wait; for others see `answerInTime`. */
  answerWithinMs?: number;
  /** One line for the OpenAPI document. */
  summary: string;
  /**
   * Checked before the handler runs; the parsed values replace the received ones. All problems are reported at once.
   */
  request?: { body?: ZodType; query?: ZodObject; params?: ZodType; headers?: ZodType };
  /**
   * True if a query may hold anything because the caller does not choose it: probes and load balancers add their own
   * fields.
   */
  anyQuery?: true;
  /** `alsoAs` names media types that a client may prefer to JSON. */
  responses: Record<number, { description: string; schema?: ZodType; alsoAs?: readonly string[] }>;
  /** Codes of this route besides those of every route of its kind. */
  errors: ErrorCode[];
}
