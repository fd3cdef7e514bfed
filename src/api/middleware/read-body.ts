import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { ApiContext, ApiState } from '../route.js';

const maxBytes = 64 * 1024;
const takesBody = new Set(['POST', 'PUT', 'PATCH']);
/** A DELETE has a body only where its route describes one: some proxies drop it. */
const mayHaveBody = ({ method, state }: ApiContext) => takesBody.has(method) || state.rule?.request?.body !== undefined;
const empty = Buffer.alloc(0);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the body once, as bytes (request signatures cover the exact bytes) and as JSON. It is stricter than a general
 * parser: no compressed encodings, no silently replaced invalid UTF-8, no `__proto__`.
 */
export const readBody: Middleware<ApiState> = async (ctx, next) => {
  const { req } = ctx;
  ctx.state.bodyBytes = empty;
  ctx.state.body = undefined;
  if (!hasBody(req)) {
    await next();
    return;
  }
  if (!mayHaveBody(ctx)) throw new BrokerError('malformed_request', `${ctx.method} takes no body`);
  requireJson(req);
  if (announcedBytes(req) > maxBytes) throw tooLarge(req);
  ctx.state.bodyBytes = await collect(req);
  if (ctx.state.bodyBytes.length > 0) ctx.state.body = parse(ctx.state.bodyBytes);
  await next();
};

/** Whether the request has a body. */
export function hasBody(req: IncomingMessage): boolean {
  return announcedBytes(req) > 0 || req.headers['transfer-encoding'] !== undefined;
}

function announcedBytes(req: IncomingMessage): number {
  return Number(req.headers['content-length'] ?? 0);
}

function requireJson(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new BrokerError('unsupported_media_type', 'Content-Encoding is not accepted: send the JSON as it is');
  }
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  if (type.trim() !== 'application/json' || !isUtf8) {
    throw new BrokerError('unsupported_media_type', 'send Content-Type: application/json, in UTF-8');
  }
}

function collect(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      req.removeAllListeners('data');
      reject(tooLarge(req));
    });
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    const cutShort = () => reject(new BrokerError('malformed_request', 'the body ended before it was complete'));
    req.on('error', cutShort);
    req.on('close', cutShort);
  });
}

/** Reads and drops the rest of the body, so that the client sees the response; the server's time limit bounds it. */
function tooLarge(req: IncomingMessage): BrokerError {
  req.resume();
  return new BrokerError('payload_too_large', `a body may be ${maxBytes} bytes long`);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes), (key, value: unknown) => {
      if (key === '__proto__') throw new SyntaxError('__proto__');
      return value;
    });
  } catch {
    // Also covers a nesting so deep that the stack overflows. The parser's own message repeats the body, so it is not
    // passed on.
    throw new BrokerError('malformed_request', 'the body is not acceptable JSON in UTF-8');
  }
}
