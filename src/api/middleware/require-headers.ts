import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { ApiState } from '../route.js';
import { signatureHeaders } from '../../wire/request-signature.js';
import { providerHeaders } from '../../wire/provider-headers.js';

/** Browsers and proxies together send about thirty. */
const maxHeaders = 64;

/**
 * Headers with a single value: of duplicates, Node.js would drop one or join them, and the intended one would be
 * unknown.
 */
const single: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'last-event-id',
  'origin',
  'transfer-encoding',
  'user-agent',
  'x-request-id',
  ...Object.values(signatureHeaders),
  ...Object.values(providerHeaders),
]);

/** Rejects too many headers, and duplicates of single-value ones: nothing that a client sent is ignored silently. */
export const requireHeaders: Middleware<ApiState> = async (ctx, next) => {
  const { rawHeaders } = ctx.req;
  const count = rawHeaders.length / 2;
  if (count > maxHeaders) {
    throw new BrokerError('headers_too_large', `the request has ${count} headers; ${maxHeaders} is the most`);
  }
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (!single.has(name)) continue;
    if (seen.has(name)) throw new BrokerError('malformed_request', `the header ${name} is given more than once`);
    seen.add(name);
  }
  await next();
};
