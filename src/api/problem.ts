import { HttpError } from 'koa';
import type { $ZodIssue } from 'zod/v4/core';
import { isBadData } from '../db/pool.js';
import { BrokerError, type FieldProblem } from '../domain/errors.js';
import { printable, sentence } from '../domain/outside.js';
import { errorTable, isErrorCode, type ErrorCode } from '../wire/error-codes.js';

/** An RFC 9457 problem as it is sent. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  request_id: string;
  [extra: string]: unknown;
}

/**
 * What a client is told about an error. Any error but a `BrokerError` is either Koa's own refusal of a request or a
 * bug; of a bug, only the code leaves the process.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  const failure = brokerErrorOf(error);
  const { status, title } = errorTable[failure.code];
  return {
    ...failure.extra,
    type: `urn:worldland:problem:${failure.code}`,
    title,
    status,
    code: failure.code,
    // The detail may quote a client's text, or text written where a customer's pod runs.
    detail: sentence(failure.detail),
    request_id: requestId,
  };
}

/** True for an error that a developer has to look at: the request was fine, or should have been refused earlier. */
export function isDefect(error: unknown): boolean {
  return brokerErrorOf(error).status >= 500 || isBadData(error);
}

function brokerErrorOf(error: unknown): BrokerError {
  if (isBrokerError(error)) return error;
  if (error instanceof HttpError && error.status < 500) {
    return new BrokerError('malformed_request', 'the request could not be read');
  }
  // If every check accepts a value and the database refuses it, the value comes from the request. It is a defect all
  // the same: see `isDefect`.
  if (isBadData(error)) {
    return new BrokerError('malformed_request', 'the request holds a value that is out of range or cannot be stored');
  }
  // Koa and Node throw this for a request target that is not valid percent-encoded UTF-8.
  if (error instanceof URIError) return new BrokerError('malformed_request', 'the request target is not acceptable');
  return new BrokerError('internal_error', 'the failure was recorded under this request_id');
}

function isBrokerError(error: unknown): error is BrokerError {
  return error instanceof BrokerError && isErrorCode(error.code);
}

/** What a schema says that was given no words. */
const unworded = 'Invalid input';

/** The problems a schema found, each with its field; `prefix` is `query.` and the like. */
export function fieldProblems(issues: readonly $ZodIssue[], prefix = ''): FieldProblem[] {
  return issues.flatMap((issue): FieldProblem[] => {
    const at = (path: readonly PropertyKey[]) => prefix + path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: shown(at([...issue.path, key])),
        message: 'is not a field of this request',
      }));
    }
    // A union with words of its own says what all of its branches are for.
    if (issue.code === 'invalid_union' && issue.message === unworded) {
      // The last branch is the intended one; those before it mean "not given".
      const meant = issue.errors.at(-1) ?? [];
      if (meant.length > 0)
        return fieldProblems(
          meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
          prefix,
        );
    }
    const field = shown(at(issue.path));
    return [
      {
        field: field === '' ? 'body' : field.replace(/\.$/, ''),
        message: printable(issue.message) ?? 'is not acceptable',
      },
    ];
  });
}

/** Throws all problems at once. */
export function validationFailed(errors: readonly FieldProblem[]): BrokerError {
  const named = [...new Set(errors.map(({ field }) => field))];
  const detail = `${named.slice(0, 5).join(', ')}${named.length > 5 ? ` and ${named.length - 5} more` : ''}: not acceptable`;
  return new BrokerError('validation_failed', detail, { errors: errors.slice(0, maxProblems) });
}

/** More than this helps nobody, and a client chooses how many fields it sends. */
const maxProblems = 64;

/** A field's name in a form that is safe to repeat to its sender. */
export function shown(field: string): string {
  return field.replace(/[^\x20-\x7e]/g, '?').slice(0, 128);
}
