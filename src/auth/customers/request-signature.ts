import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hashMessage, type Hex } from 'viem';
import { BrokerError } from '../../domain/errors.js';
import { requireSignatureForm } from '../signature-form.js';

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
  const bodySha256 = createHash('sha256').update(bodyBytes).digest('hex');
  return ['WORLDLAND-REQUEST-V1', audience, method.toUpperCase(), target, bodySha256, timestamp, nonce].join('\n');
}

export function requestDigest(
  audience: string,
  request: WireRequest,
  signed: Pick<RequestSignature, 'timestamp' | 'nonce'>,
): Hex {
  return hashMessage(canonicalRequest(audience, request, signed));
}

const grammar = {
  key: /^0x[0-9a-fA-F]{40}$/,
  timestamp: /^[0-9]{1,12}$/,
  nonce: /^[A-Za-z0-9_-]{16,64}$/,
};

/**
 * Reads the four headers; `undefined` when none of them is present.
 *
 * @throws BrokerError `malformed_request` when some are missing or have another form; `signature_invalid` for a
 *   signature that is not 65 bytes with a low s.
 */
export function readRequestSignature(headers: IncomingHttpHeaders): RequestSignature | undefined {
  const names = Object.values(signatureHeaders);
  const given = names.filter((name) => headers[name] !== undefined);
  if (given.length === 0) return undefined;
  if (given.length < names.length) {
    const missing = names.filter((name) => !given.includes(name));
    throw new BrokerError('malformed_request', `a signed request also has ${missing.join(', ')}`);
  }
  const value = (part: keyof typeof signatureHeaders) => String(headers[signatureHeaders[part]]);
  for (const part of ['key', 'timestamp', 'nonce'] as const) {
    // Node.js joins a duplicate header with a comma, which no valid value contains.
    if (!grammar[part].test(value(part))) {
      throw new BrokerError('malformed_request', `${signatureHeaders[part]} has not the form it must have`);
    }
  }
  requireSignatureForm(value('signature'));
  return {
    sessionKey: value('key').toLowerCase(),
    timestamp: value('timestamp'),
    nonce: value('nonce'),
    signature: value('signature') as Hex,
  };
}
