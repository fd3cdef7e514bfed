import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAddress, signMessage } from 'viem/accounts';
import { canonicalRequest, signatureHeaders } from '../wire/request-signature.js';

/** A key of a session: it signs requests, and never leaves the client. */
export interface SessionKey {
  privateKey: Hex;
  /** In lower case. */
  address: Hex;
}

export interface RequestToSign {
  audience: string;
  method: string;
  /** Path and query as they are sent. */
  target: string;
  body: string;
  /** Unix seconds of the broker's clock. */
  timestampS: number;
}

export function newSessionKey(): SessionKey {
  const privateKey = generatePrivateKey();
  return { privateKey, address: privateKeyToAddress(privateKey).toLowerCase() as Hex };
}

/** The headers that sign a request. Each call has a nonce of its own, so a repeat has to be signed anew. */
export async function signedHeaders(
  privateKey: Hex,
  { audience, method, target, body, timestampS }: RequestToSign,
): Promise<Record<string, string>> {
  const timestamp = String(timestampS);
  const nonce = newNonce();
  const bodyBytes = new TextEncoder().encode(body);
  const message = canonicalRequest(audience, { method, target, bodyBytes }, { timestamp, nonce });
  return {
    [signatureHeaders.key]: privateKeyToAddress(privateKey),
    [signatureHeaders.timestamp]: timestamp,
    [signatureHeaders.nonce]: nonce,
    [signatureHeaders.signature]: await signMessage({ message, privateKey }),
  };
}

function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
