import { errorTable, type ErrorCode } from '../wire/error-codes.js';

/** One invalid field of a request; `field` is a JSON path such as `env.PATH` or `query.limit`. */
export interface FieldProblem {
  field: string;
  message: string;
}

/**
 * A failure with a stable code. Clients and operators see `detail`, so it must never contain a secret. `extra` adds
 * members, with snake_case keys, to a problem+json body.
 */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
  }

  /** The HTTP status the table gives this code. */
  get status(): number {
    return errorTable[this.code].status;
  }

  /** Whether an unchanged retry may succeed. */
  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}
