import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import { acceptedCoding, codedEtag } from '../codings.js';
import type { ApiContext, ApiState } from '../route.js';
import type { StaticFile, StaticPages } from '../static-pages.js';
import { hasBody } from './read-body.js';

/** Where to go instead; relative, as a proxy may serve the broker below a path of its own. */
const redirects: Record<string, string> = {
  '/docs': 'docs/',
  '/docs/errors': 'errors/',
  '/docs/decisions': 'decisions/',
  '/docs/reference': 'reference/',
  '/console': 'console/',
};

const methods = 'GET, HEAD, OPTIONS';

/** Answers `/docs/*`, `/console/*` and `/llms.txt` with the files of the build; anything else goes on to the routes. */
export function servePages(pages: StaticPages): Middleware<ApiState> {
  return async (ctx, next) => {
    const { path } = ctx;
    const file = pages.at(path);
    const target = file === undefined && Object.hasOwn(redirects, path) ? redirects[path] : undefined;
    if (file === undefined && target === undefined) {
      if (!answerMissing(ctx, pages.missingAt(path))) await next();
      return;
    }
    // A credential proves nothing here, where nobody looks at it.
    if (ctx.state.overLimit !== undefined) throw ctx.state.overLimit;
    if (!requireReading(ctx)) return;
    if (file !== undefined) {
      sendFile(ctx, file, 200);
      return;
    }
    ctx.set('location', target!);
    ctx.set('cache-control', 'public, max-age=300');
    ctx.body = null;
    ctx.status = 302;
  };
}

/** @returns false if the answer is complete: the question was for the methods. */
function requireReading(ctx: ApiContext): boolean {
  if (ctx.method === 'GET' || ctx.method === 'HEAD') {
    // A body of a read is not looked at, and the rest of it is not waited for.
    if (hasBody(ctx.req)) ctx.set('connection', 'close');
    return true;
  }
  ctx.set('allow', methods);
  if (ctx.method !== 'OPTIONS') throw new BrokerError('method_not_allowed', `this path answers ${methods}`);
  ctx.status = 204;
  return false;
}

/** A page for people; programs get the problem that every unknown path gets. */
function answerMissing(ctx: ApiContext, page: StaticFile | undefined): boolean {
  const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
  if (page === undefined || !isRead || ctx.state.overLimit !== undefined) return false;
  if (ctx.accepts('json', 'html') !== 'html') return false;
  sendFile(ctx, page, 404);
  ctx.set('cache-control', 'no-store');
  return true;
}

function sendFile(ctx: ApiContext, file: StaticFile, status: number): void {
  const accepted = acceptedCoding(ctx);
  const coding = file.bodies[accepted] === undefined ? 'identity' : accepted;
  ctx.vary('Accept-Encoding');
  ctx.set('content-type', file.type);
  ctx.set('content-security-policy', file.contentSecurityPolicy);
  ctx.set('cross-origin-resource-policy', 'same-origin');
  ctx.set('cache-control', file.cacheControl);
  ctx.set('etag', codedEtag(file.etag, coding));
  ctx.status = status;
  if (status === 200 && ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (coding !== 'identity') ctx.set('content-encoding', coding);
  ctx.body = file.bodies[coding];
}
