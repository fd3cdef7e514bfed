import { hashMessage, sha256, type Hex } from 'viem';

/** A request as received. */
export interface WireRequest {
  method: string;
  /** The raw request target: path and query as sent, nothing decoded or normalised. */
  target: string;
  bodyBytes: Uint8Array;
}

/** The `X-Session-*` headers; the key in lower case. */
export interface RequestSignature {
  sessionKey: string;
  /** Unix seconds as written, because the text is signed. */
  timestamp: string;
  nonce: string;
  signature: Hex;
}

export const signatureHeaders = {
  key: 'x-session-key',
  timestamp: 'x-session-timestamp',
  nonce: 'x-session-nonce',
  signature: 'x-session-signature',
} as const;

/** The text a session key signs with EIP-191: everything that defines the request, one item per line. */
export function canonicalRequest(
  audience: string,
  { method, target, bodyBytes }: WireRequest,
  { timestamp, nonce }: Pick<RequestSignature, 'timestamp' | 'nonce'>,
): string {
  // Not of node:crypto, as browsers sign, too, and not of crypto.subtle, which pages over plain HTTP do not have.
  const bodySha256 = sha256(bodyBytes).slice(2);
  return ['WORLDLAND-REQUEST-V1', audience, method.toUpperCase(), target, bodySha256, timestamp, nonce].join('\n');
}

export function requestDigest(
  audience: string,
  request: WireRequest,
  signed: Pick<RequestSignature, 'timestamp' | 'nonce'>,
): Hex {
  return hashMessage(canonicalRequest(audience, request, signed));
}
