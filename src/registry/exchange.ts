import {
  Agent as PlainAgent,
  request as requestPlain,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { rootCertificates } from 'node:tls';
import { registryRefusal } from '../domain/registry-host.js';
import { isTlsTrouble } from '../tls-settings.js';
import { NoAnswer } from './outcome.js';
import { anyLookup, openLookup } from './open-lookup.js';

export interface Ask {
  url: URL;
  method: 'GET' | 'HEAD';
  headers: Readonly<Record<string, string>>;
  /** A longer body is no answer. */
  maxBytes: number;
  signal: AbortSignal;
  /** The hosts, with their ports, that the operator lets this image's registry have. */
  trusted: Trusted;
}

/** What the operator says about one host; nobody else may be asked at closed addresses, other ports or without TLS. */
export interface Trusted {
  /** As in a URL. */
  host?: string;
  /** Whether it is asked without TLS. */
  isPlain?: boolean;
  /** What its certificate may be signed by, beside the usual authorities. */
  ca?: string;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const pool = {
  keepAlive: true,
  keepAliveMsecs: 10_000,
  maxSockets: 16,
  maxTotalSockets: 128,
  maxFreeSockets: 16,
  timeout: 15_000,
};
/** Connections to hosts that the operator named are kept apart: nobody else may use one to a closed address. */
const agents = {
  open: new TlsAgent({ ...pool, lookup: openLookup }),
  trusted: new TlsAgent({ ...pool, lookup: anyLookup }),
  plain: new PlainAgent({ ...pool, lookup: anyLookup }),
};

/**
 * One request and its answer, without redirects. Nothing about it is believed yet.
 *
 * @throws NoAnswer if there is none, or one that is too long.
 */
export async function exchange(ask: Ask): Promise<Answer> {
  const { url, trusted, signal, maxBytes } = ask;
  const isTrusted = trusted.host !== undefined && url.host === trusted.host;
  requireOpen(url, isTrusted, trusted);
  const options = {
    method: ask.method,
    signal,
    // What is compressed could become any size, and has another digest.
    headers: { 'user-agent': 'worldland-broker', 'accept-encoding': 'identity', ...ask.headers },
  };
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const request =
        url.protocol === 'http:'
          ? requestPlain(url, { ...options, agent: agents.plain })
          : requestTls(url, isTrusted ? { ...options, ...trustedTls(trusted) } : { ...options, agent: agents.open });
      request.on('error', reject);
      request.on('response', (response) => {
        readBody(response, ask.method, maxBytes).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          (error: Error) => {
            response.destroy();
            reject(error);
          },
        );
      });
      request.end();
    });
  } catch (error) {
    throw asNoAnswer(error, url, signal);
  }
}

/** The agent keeps connections that were made with other authorities apart. */
function trustedTls({ ca }: Trusted) {
  return { agent: agents.trusted, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
}

function requireOpen(url: URL, isTrusted: boolean, { isPlain }: Trusted): void {
  if (url.username !== '' || url.password !== '') throw new NoAnswer('nonsense', 'an address has a login in it');
  if (url.protocol !== 'https:' && !(isTrusted && isPlain === true && url.protocol === 'http:'))
    throw new NoAnswer('closed', `${url.host} would be asked without TLS`);
  if (isTrusted) return;
  const refusal = registryRefusal(url.host.toLowerCase());
  if (refusal !== undefined) throw new NoAnswer('closed', `the host ${url.host} ${refusal}`);
}

async function readBody(response: IncomingMessage, method: Ask['method'], maxBytes: number): Promise<Buffer> {
  if (method === 'HEAD') {
    response.resume();
    return Buffer.alloc(0);
  }
  const tooLong = () => new NoAnswer('nonsense', `the answer has more than ${maxBytes} bytes`);
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function asNoAnswer(error: unknown, url: URL, signal: AbortSignal): NoAnswer {
  if (error instanceof NoAnswer) return error;
  if (signal.aborted) return new NoAnswer('late', `${url.host} did not answer in time`);
  const code = (error as NodeJS.ErrnoException).code ?? 'error';
  // Happy Eyeballs reports one error for each address.
  const cause = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
  if (isTlsTrouble(cause))
    return new NoAnswer('untrusted', `${url.host} shows a certificate that is not trusted here: ${code}`);
  return cause instanceof NoAnswer ? cause : new NoAnswer('unreachable', `${url.host} cannot be reached: ${code}`);
}
