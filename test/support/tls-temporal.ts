import { connect, constants, createSecureServer, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Authority, Certificate } from './certificates.js';

/**
 * TLS in front of a Temporal server, like a load balancer's: it accepts clients with a certificate of the authority and
 * the right API key.
 *
 * @param upstream host:port of a server without TLS.
 */
export async function temporalBehindTls(
  upstream: string,
  { server, authority, apiKey }: { server: Certificate; authority: Authority; apiKey: string },
) {
  const sessions = new Set<{ destroy(): void }>();
  let behind: ClientHttp2Session | undefined;
  const toServer = () => {
    if (behind === undefined || behind.closed || behind.destroyed) {
      behind = connect(`http://${upstream}`);
      behind.on('error', () => undefined);
    }
    return behind;
  };
  const listener = createSecureServer({
    cert: server.cert,
    key: server.key,
    ca: authority.ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  listener.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  listener.on('tlsClientError', () => undefined);
  listener.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers.authorization !== `Bearer ${apiKey}`) {
      const refusal = { 'grpc-status': '16', 'grpc-message': 'who are you' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      return;
    }
    const answer = toServer().request(forwarded(headers));
    answer.on('error', () => stream.destroy());
    answer.on('response', (answered, flags) => {
      // A refusal consists only of headers.
      const isAll = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(answered, isAll ? { endStream: true } : { waitForTrailers: true });
    });
    let trailers: IncomingHttpHeaders = {};
    answer.on('trailers', (received) => (trailers = received));
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('aborted', () => answer.close());
    stream.pipe(answer);
    answer.pipe(stream);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    close() {
      listener.close();
      for (const session of sessions) session.destroy();
      behind?.destroy();
    },
  };
}

/** Without the headers that concern only the client's connection. */
function forwarded(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const rest = { ...headers };
  delete rest[':authority'];
  return { ...rest, ':scheme': 'http' };
}
