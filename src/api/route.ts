import type Koa from 'koa';
import type { ZodObject, ZodType } from 'zod';
import type { Principal } from '../auth/customers/principal.js';
import type { BrokerError } from '../domain/errors.js';
import type { CachedReply } from './cached-read.js';
import type { Scope } from '../wire/scopes.js';
import type { ErrorCode } from '../wire/error-codes.js';

/**
 * Which proof a route wants: `any` takes a bearer token or a request signature, `signed` only a request signature,
 * `session-proof` a request signature by a session key that need not be known yet (the registration of a session).
 */
export type RouteAuth = 'none' | 'any' | 'signed' | 'session-proof';

/**
 * Which of the limits of a wallet a route counts against. `proof` is for routes whose request proves by itself who sends
 * it, with no session there: the handler checks the proof, and counts.
 */
export type RouteLimit = 'read' | 'write' | 'jobs' | 'proof';

/** What the middlewares leave for a handler. */
export interface ApiState {
  requestId: string;
  /** Who asks; present on every route but those with `auth: 'none'`, and absent there. */
  principal?: Principal;
  /** The parsed and validated JSON body; `undefined` without one. */
  body?: unknown;
  /** The body as it came over the wire: what request signatures cover. */
  bodyBytes: Buffer;
  /** The parameters of the path, decoded, and validated where the rule has `request.params`. */
  params: Record<string, string>;
  /** The query, validated where the rule has `request.query`. */
  query: unknown;
  /** The rule that answers; absent while no route matched. */
  rule?: RouteRule;
  /** The cached reply that was the answer, where it was one. */
  sent?: CachedReply;
  /** What `authenticate` and the limits know the caller by. */
  ip: string;
  /** It is known who sent this. */
  proven?: boolean;
  /** What the request is refused with unless it proves who sent it: its address has asked for too much. */
  overLimit?: BrokerError;
}

export type ApiContext = Koa.ParameterizedContext<ApiState>;

/** One route, whole: who may call it, what it takes, what it answers. The API page is derived from it. */
export interface RouteRule {
  method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH';
  /** `/api/v1/jobs/:id`: literal segments, and parameters that match one segment. */
  path: string;
  auth: RouteAuth;
  /** Scopes the principal must hold, all of them. */
  scopes: readonly Scope[];
  /** True where `admin` does instead of them: an operator may do it for everybody. */
  operators?: boolean;
  limit: RouteLimit;
  handler: (ctx: ApiContext) => Promise<void>;
  /** For a route whose clients may ask it to wait; see `answerInTime` for the others. */
  answerWithinMs?: number;
  /** One line for the API page. */
  summary: string;
  /** Checked before the handler runs; what they parse to replaces what came. Problems are reported all at once. */
  request?: { body?: ZodType; query?: ZodObject; params?: ZodType; headers?: ZodType };
  /** True where a query may hold anything, because who asks does not choose it: probes and balancers add what they like. */
  anyQuery?: true;
  responses: Record<number, { description: string; schema?: ZodType }>;
  /** Codes of this route beyond those every route of its kind may answer. */
  errors: ErrorCode[];
}
