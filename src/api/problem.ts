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
 * What a client is told about a failure. Whatever is not a `BrokerError` is either Koa's own refusal of a request or
 * ours to be ashamed of; of the latter nothing but the code leaves the process.
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
    // It may quote what somebody sent, or what was written where a customer's pod runs.
    detail: sentence(failure.detail),
    request_id: requestId,
  };
}

/** True for a failure that somebody has to look at: the request was fine, or should have been refused before. */
export function isDefect(error: unknown): boolean {
  return brokerErrorOf(error).status >= 500 || isBadData(error);
}

function brokerErrorOf(error: unknown): BrokerError {
  if (isBrokerError(error)) return error;
  if (error instanceof HttpError && error.status < 500) {
    return new BrokerError('malformed_request', 'the request could not be read');
  }
  // What every check let pass and the database refuses is a value of the request. Somebody has to look at it all the
  // same: see `isDefect`.
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

/** The problems a schema found, each with the field it is about; `prefix` is `query.` and the like. */
export function fieldProblems(issues: readonly $ZodIssue[], prefix = ''): FieldProblem[] {
  return issues.flatMap((issue): FieldProblem[] => {
    const at = (path: readonly PropertyKey[]) => prefix + path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: shown(at([...issue.path, key])),
        message: 'is not a field of this request',
      }));
    }
    if (issue.code === 'invalid_union') {
      // The last branch is the one that is meant; those before it stand for "not given".
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

/** Throws every problem at once. */
export function validationFailed(errors: readonly FieldProblem[]): BrokerError {
  const named = [...new Set(errors.map(({ field }) => field))];
  const detail = `${named.slice(0, 5).join(', ')}${named.length > 5 ? ` and ${named.length - 5} more` : ''}: not acceptable`;
  return new BrokerError('validation_failed', detail, { errors: errors.slice(0, maxProblems) });
}

/** More than this helps nobody, and a client chooses how many fields it sends. */
const maxProblems = 64;

/** The name of a field as it may be repeated to who sent it. */
export function shown(field: string): string {
  return field.replace(/[^\x20-\x7e]/g, '?').slice(0, 128);
}
