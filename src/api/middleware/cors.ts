import cors from '@koa/cors';

/** Lets browsers of the listed origins call the API. Credentials travel in headers, so no cookies are allowed. */
export function allowOrigins(origins: readonly string[]) {
  const allowed = new Set(origins.map((origin) => origin.toLowerCase()));
  return cors({
    // An empty string omits the headers, and the browser blocks the request.
    origin: (ctx) => (allowed.has(ctx.get('origin').toLowerCase()) ? ctx.get('origin') : ''),
    credentials: false,
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: [
      'content-type',
      'authorization',
      'x-session-key',
      'x-session-timestamp',
      'x-session-nonce',
      'x-session-signature',
      'x-request-id',
      'idempotency-key',
      'prefer',
      'if-none-match',
      'last-event-id',
    ],
    // A browser shows no script the clock of a server otherwise, and signed requests go by it.
    exposeHeaders: [
      'retry-after',
      'x-request-id',
      'location',
      'preference-applied',
      'etag',
      'link',
      'www-authenticate',
      'date',
    ],
    maxAge: 600,
  });
}
