import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../config.js';
import { nodeReviews } from '../../observability/metrics.js';
import type { HaveLeft } from './departed.js';
import { nodesBehind, readReview, reviewed, type Review } from './review.js';

/** The path to which the API server posts reviews. */
export const reviewPath = '/nodes';

/**
 * The largest accepted review. It contains everything the machine asked for, even selectors of a megabyte, but no
 * kubelet sends anything like that.
 */
const maxReviewBytes = 256 * 1024;
const limits = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 65_000 } as const;

export interface Authorizer {
  readonly address: AddressInfo;
  stop(): Promise<void>;
}

type Listening = Pick<
  Config,
  'AUTHORIZER_PORT' | 'AUTHORIZER_HOST' | 'AUTHORIZER_TLS_CERT' | 'AUTHORIZER_TLS_KEY' | 'AUTHORIZER_CLIENT_CA'
>;

/**
 * Tells the cluster's API server, and nobody without a certificate for it, which nodes have left the fleet. It never
 * allows anything; when it does not know, it has no opinion, and the cluster's own authorizers decide.
 */
export async function startAuthorizer(config: Listening, haveLeft: HaveLeft): Promise<Authorizer> {
  const server = createServer(
    {
      cert: config.AUTHORIZER_TLS_CERT,
      key: config.AUTHORIZER_TLS_KEY,
      ca: config.AUTHORIZER_CLIENT_CA,
      requestCert: true,
      rejectUnauthorized: true,
      ...limits,
    },
    (request, response) => void answer(request, response, haveLeft).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(config.AUTHORIZER_PORT, config.AUTHORIZER_HOST, resolve);
  });
  return {
    address: server.address() as AddressInfo,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 1_000).unref();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, haveLeft: HaveLeft): Promise<void> {
  const say = (status: number, body: object) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const text = await bodyOf(request);
  // The API server appends its timeout to the path as a query.
  if (request.url?.split('?')[0] !== reviewPath) return say(404, { error: `reviews are asked of ${reviewPath}` });
  if (request.method !== 'POST') return say(405, { error: 'reviews are posted' });
  // Without an answer, the API server would go on as if nobody had been asked, which is the purpose of such a request.
  if (text === undefined) return say(200, denied('it asks for more than a kubelet ever does'));
  let review: Review;
  try {
    review = readReview(text);
  } catch (error) {
    return say(400, { error: (error as Error).message });
  }
  const nodes = nodesBehind(review);
  const left = nodes.length === 0 ? false : await haveLeft(nodes);
  if (left === true) return say(200, denied('this node has left the fleet'));
  nodeReviews.inc({ result: left === undefined ? 'unanswered' : 'no_opinion' });
  say(200, reviewed());
}

function denied(reason: string): object {
  nodeReviews.inc({ result: 'denied' });
  return reviewed(reason);
}

/** Reads to the end, because a client that is still writing does not read; undefined when it is too much to keep. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxReviewBytes) chunks.push(chunk);
  }
  return bytes <= maxReviewBytes ? Buffer.concat(chunks).toString('utf8') : undefined;
}
