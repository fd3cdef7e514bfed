import type { IncomingHttpHeaders } from 'node:http';
import type { Hex } from 'viem';
import { BrokerError } from '../../domain/errors.js';
import { requireSignatureForm } from '../signature-form.js';
import { type RequestSignature, signatureHeaders } from '../../wire/request-signature.js';

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
