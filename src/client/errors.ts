import type { ErrorCode } from '../wire/error-codes.js';

/** Failures that the client itself finds; all others are the broker's codes. */
export type ClientCode =
  | 'network'
  | 'timeout'
  | 'aborted'
  | 'protocol'
  | 'wallet_rejected'
  | 'wallet_wrong_chain'
  | 'wallet_failed'
  | 'not_logged_in';

/** A code of the broker, one of the client, or one that this version of the client does not know. */
export type Code = ErrorCode | ClientCode | (string & {});

export interface FieldProblem {
  field: string;
  message: string;
}

/** What some codes bring with them. Any member may be absent: the broker may be older or newer than the client. */
export interface CodeData {
  no_capacity: {
    job_id?: string;
    free?: { gpu_type: string; gpu_count?: number; price_per_gpu_hour?: number }[];
    near?: string[];
  };
  quote_expired: { expires_at?: string };
  spend_limit_exceeded: { required?: string; remaining?: string; spend_limit?: string };
  insufficient_funds: {
    required?: string;
    available?: string;
    missing?: string;
    deposit?: { chain_id?: number; vault?: string; customer?: string };
  };
  monthly_cap_reached: { required?: string; remaining?: string; monthly_cap?: string; resets_at?: string };
  rate_limited: { limit?: string; per?: string; allowed?: number; window_s?: number };
  timestamp_skew: { server_time?: number };
  /** What the broker proposed to sign, and what was asked for; or what it answered instead of what is expected. */
  protocol: { field?: string; proposed?: string; asked?: string };
}

interface ErrorFacts {
  /** The HTTP status; 0 if no answer came. */
  status?: number | undefined;
  requestId?: string | undefined;
  /** The same request may succeed later. */
  retryable?: boolean | undefined;
  retryAfterS?: number | undefined;
  fields?: readonly FieldProblem[] | undefined;
  data?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** Every failure of the client. `code` decides what to do; `detail` says it in words. */
export class WorldLandError extends Error {
  override readonly name = 'WorldLandError';
  readonly status: number;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterS: number | undefined;
  /** With `validation_failed`: every field that is not acceptable. */
  readonly fields: readonly FieldProblem[] | undefined;
  /** The other members of the broker's answer, such as `job_id`. */
  readonly data: Record<string, unknown>;

  constructor(
    readonly code: Code,
    readonly detail: string,
    facts: ErrorFacts = {},
  ) {
    super(detail === '' ? code : `${code}: ${detail}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status ?? 0;
    this.requestId = facts.requestId;
    this.retryable = facts.retryable ?? false;
    this.retryAfterS = facts.retryAfterS;
    this.fields = facts.fields;
    this.data = facts.data ?? {};
  }
}

/** Whether something thrown is the failure with this code; then `data` has the members of that code. */
export function isCode<C extends Code>(
  error: unknown,
  code: C,
): error is WorldLandError & { code: C; data: C extends keyof CodeData ? CodeData[C] : Record<string, unknown> } {
  return error instanceof WorldLandError && error.code === code;
}
