/**
 * Every failure the broker can name. Only this table decides a failure's HTTP status, its title and whether Temporal
 * may retry. A `code` is part of the public API and never changes its meaning.
 */
export const errorTable = {
  // The request itself
  malformed_request: { status: 400, title: 'The request could not be read', retryable: false },
  validation_failed: { status: 422, title: 'A field of the request is invalid', retryable: false },
  payload_too_large: { status: 413, title: 'The request body is too large', retryable: false },
  headers_too_large: { status: 431, title: 'The request has too many headers, or too long ones', retryable: false },
  request_timeout: { status: 408, title: 'The request did not arrive in time', retryable: false },
  unsupported_media_type: { status: 415, title: 'The request body must be application/json', retryable: false },
  method_not_allowed: { status: 405, title: 'This route does not support that method', retryable: false },
  rate_limited: { status: 429, title: 'Too many requests', retryable: false },

  // Identity, rights and limits of the client
  auth_required: { status: 401, title: 'Authentication is required', retryable: false },
  auth_ambiguous: { status: 401, title: 'Send a bearer token or a request signature, not both', retryable: false },
  session_unknown: { status: 401, title: 'The session is unknown', retryable: false },
  session_expired: { status: 401, title: 'The session has expired', retryable: false },
  session_revoked: { status: 401, title: 'The session was revoked', retryable: false },
  signature_invalid: { status: 401, title: 'The signature is not valid', retryable: false },
  timestamp_skew: { status: 401, title: 'The request timestamp is too far from the server clock', retryable: false },
  nonce_reused: { status: 401, title: 'The request nonce has been used before', retryable: false },
  challenge_invalid: { status: 401, title: 'The challenge is unknown, used or expired', retryable: false },
  insufficient_funds: { status: 402, title: 'The balance does not cover it', retryable: false },
  scope_denied: { status: 403, title: 'The session lacks a scope this route needs', retryable: false },
  spend_limit_exceeded: { status: 403, title: 'The session spend limit does not cover the job', retryable: false },
  monthly_cap_reached: { status: 403, title: 'The monthly cap of the wallet does not cover it', retryable: false },
  quota_exceeded: { status: 403, title: 'The wallet has reached its quota', retryable: false },
  blocked: { status: 403, title: 'The operator of this site has blocked this', retryable: false },
  auth_backend_unavailable: { status: 503, title: 'Signed requests cannot be checked right now', retryable: true },

  // Resources that are missing, or taken
  not_found: { status: 404, title: 'Nothing exists at this address', retryable: false },
  job_not_found: { status: 404, title: 'No such job', retryable: false },
  provider_not_found: { status: 404, title: 'No such provider', retryable: false },
  session_not_found: { status: 404, title: 'No such session', retryable: false },
  token_not_found: { status: 404, title: 'No such token', retryable: false },
  receipt_not_found: { status: 404, title: 'No such receipt', retryable: false },
  settlement_not_found: { status: 404, title: 'No such settlement', retryable: false },
  ssh_key_not_found: { status: 404, title: 'No such SSH key', retryable: false },
  idempotency_conflict: { status: 409, title: 'The Idempotency-Key was used with another request', retryable: false },
  session_key_in_use: { status: 409, title: 'The session key already belongs to a session', retryable: false },

  // Why a job fails to start, or ends early
  quote_mismatch: { status: 409, title: 'The quote is not for this order', retryable: false },
  exit_pending: { status: 409, title: 'The wallet has asked the vault for its money', retryable: false },
  withdrawal_pending: { status: 409, title: 'Another withdrawal is not finished', retryable: false },
  quote_expired: { status: 409, title: 'The quote is no longer good', retryable: false },
  no_capacity: { status: 409, title: 'No provider can take this job now', retryable: false },
  job_ended: { status: 409, title: 'The job has ended', retryable: false },
  refund_exceeds_charge: { status: 409, title: 'The job has not cost that much', retryable: false },
  payout_exceeds_earnings: { status: 409, title: 'The wallet has not earned that much', retryable: false },
  job_not_running: { status: 409, title: 'The job is not running', retryable: false },
  extension_limit: { status: 409, title: 'The job was extended too often', retryable: false },
  machine_not_asked: { status: 409, title: 'This broker cannot ask the job’s machine', retryable: false },
  machine_unreachable: { status: 503, title: 'The job’s machine does not answer', retryable: false },
  ssh_keys_final: { status: 409, title: 'No SSH key can be added to this job', retryable: false },
  duration_limit: { status: 422, title: 'The job would run longer than allowed', retryable: false },
  image_not_found: { status: 422, title: 'The registry does not have the image', retryable: false },
  image_private: { status: 422, title: 'The registry does not give the image to this login', retryable: false },
  image_platform: { status: 422, title: 'The image is for other machines', retryable: false },
  image_unresolved: { status: 422, title: 'The registry did not answer about the image', retryable: false },
  unschedulable: { status: 409, title: 'Kubernetes cannot schedule the pod on the provider', retryable: false },
  image_pull_failed: { status: 409, title: 'The container image cannot be pulled', retryable: false },
  container_not_created: { status: 409, title: 'The container could not be created', retryable: false },
  container_exited: { status: 409, title: 'The container stopped by itself', retryable: false },
  storage_exceeded: { status: 409, title: 'The job wrote more than the disk it ordered', retryable: false },
  pod_deleted: { status: 409, title: 'The pod was deleted from outside', retryable: false },
  pod_refused: { status: 409, title: 'Kubernetes rejected the pod', retryable: false },
  no_ports_left: { status: 409, title: 'The cluster has no port left for another job', retryable: false },
  start_timeout: { status: 409, title: 'The pod did not start in time', retryable: false },
  ports_unreachable: { status: 409, title: 'Nobody can reach the ports of the machine', retryable: false },
  provider_lost: { status: 409, title: 'The provider went away', retryable: false },
  provider_drained: { status: 409, title: 'The provider is being taken out of service', retryable: false },
  funds_withdrawn: { status: 409, title: 'The wallet’s money left the vault', retryable: false },
  allocation_released: { status: 409, title: 'The allocation was already released', retryable: false },

  // Why a provider fails to join, and operators' requests about it
  delegation_invalid: { status: 401, title: 'The key does not speak for the provider', retryable: false },
  provider_not_yours: { status: 403, title: 'The provider belongs to another wallet', retryable: false },
  approval_not_needed: { status: 409, title: 'The provider is not waiting for an approval', retryable: false },
  provider_retired: { status: 409, title: 'The provider is retired, or is about to be', retryable: false },
  chain_off: { status: 409, title: 'This site is not paid on a chain', retryable: false },
  mining_off: { status: 409, title: 'Mining is switched off on this site', retryable: false },

  // Failures of the broker itself
  settlement_stalled: { status: 503, title: 'Nothing has been settled for too long', retryable: false },
  dependency_unavailable: { status: 503, title: 'A system the broker needs is not answering', retryable: true },
  internal_error: { status: 500, title: 'Something went wrong in the broker', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

export type ErrorCode = keyof typeof errorTable;

/** Codes that are reserved: no route returns them yet, so none documents them. */
export const unansweredCodes: readonly ErrorCode[] = [];

/** True for a code of the table, for example in the `type` of an ApplicationFailure. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value);
}
