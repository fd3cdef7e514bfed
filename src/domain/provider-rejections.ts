import { BrokerError } from './errors.js';
import type { ErrorCode } from '../wire/error-codes.js';

interface Rejection {
  /** The API's error code. */
  code: ErrorCode;
  /** The text for the provider. */
  tell: string;
}

/** Why a provider's message is rejected. The names appear in metrics and in the dead-letter stream. */
export const providerRejections = {
  signature_required: { code: 'auth_required', tell: 'signature required' },
  signature_malformed: {
    code: 'malformed_request',
    tell: 'the signature fields are not complete or not in the form they must have',
  },
  signature_invalid: { code: 'signature_invalid', tell: 'the node key did not sign this message as it arrived' },
  timestamp_skew: { code: 'timestamp_skew', tell: 'ts is too far from the time at which the message arrived' },
  sequence_ahead: {
    code: 'timestamp_skew',
    tell: 'seq is far ahead of ts: it is counted in milliseconds since 1970, or from any smaller number, by a clock that is set',
  },
  sequence_replayed: { code: 'nonce_reused', tell: 'seq must be higher than in every message before' },
  key_unknown: { code: 'delegation_invalid', tell: 'this node key does not speak for the provider' },
  key_revoked: { code: 'delegation_invalid', tell: 'another node key took the place of this one' },
  delegation_malformed: { code: 'malformed_request', tell: 'reg is not the JSON of a ProviderRegistration' },
  delegation_mismatch: { code: 'delegation_invalid', tell: 'reg is about another provider, node key or broker' },
  delegation_expired: {
    code: 'delegation_invalid',
    tell: 'the delegation has expired: the wallet has to sign a new one',
  },
  delegation_too_long: { code: 'delegation_invalid', tell: 'a delegation is good for 90 days at most' },
  delegation_not_fresh: { code: 'timestamp_skew', tell: 'a delegation is first used within 10 minutes of issuedAt' },
  delegation_nonce_reused: { code: 'nonce_reused', tell: 'the nonce of the delegation was used for another one' },
  delegation_superseded: { code: 'delegation_invalid', tell: 'the wallet signed a newer delegation for this provider' },
  delegation_unsigned: { code: 'delegation_invalid', tell: 'the wallet of reg did not sign it' },
  delegation_of_contract: {
    code: 'delegation_invalid',
    tell: 'the signature of reg is not one of an ordinary wallet, and this broker takes no contract for an owner (AUTH_SMART_WALLETS)',
  },
  spec_pinned: { code: 'delegation_invalid', tell: 'the delegation allows one registration, and this is another' },
  wallet_mismatch: { code: 'provider_not_yours', tell: 'wallet_addr is not the wallet that the provider belongs to' },
  other_wallet: { code: 'provider_not_yours', tell: 'the provider id belongs to another wallet' },
  approval_required: { code: 'auth_required', tell: 'an unsigned provider has to be approved first' },
} as const satisfies Record<string, Rejection>;

export type ProviderRejection = keyof typeof providerRejections;

/** Thrown while a message is verified, to reject it. */
export class MessageRejected extends Error {
  override readonly name = 'MessageRejected';

  constructor(readonly reason: ProviderRejection) {
    super(reason);
  }
}

/** The API's error for a rejection. It lets the agent correct a wrong clock, or continue from an acceptable number. */
export function rejectionError(reason: ProviderRejection, nowMs: number, nextSeq?: number): BrokerError {
  const { code, tell } = providerRejections[reason];
  return new BrokerError(code, tell, {
    reason,
    ...(code === 'timestamp_skew' ? { server_time: Math.floor(nowMs / 1000) } : {}),
    ...(nextSeq === undefined ? {} : { next_seq: nextSeq }),
  });
}
