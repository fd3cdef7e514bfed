import type { Middleware } from 'koa';
import { signatureHeaders } from '../../auth/customers/request-signature.js';
import { providerHeaders } from '../../provider-agent/signer.js';
import { BrokerError } from '../../domain/errors.js';
import type { ApiState } from '../route.js';

/** Browsers and proxies together send some thirty. */
const maxHeaders = 64;

/** What is read as one value: of two, Node would pass one over or join them, and nobody could say which is meant. */
const single: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'origin',
  'transfer-encoding',
  'user-agent',
  'x-request-id',
  ...Object.values(signatureHeaders),
  ...Object.values(providerHeaders),
]);

/** Refuses more headers than are read, and two where one is read: nothing that a client sent is passed over in silence. */
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
