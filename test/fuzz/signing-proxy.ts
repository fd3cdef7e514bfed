import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Sign } from './good-requests.js';

/** Signs requests and forwards them to the API, for a client that has no key. */
export async function startSigningProxy(api: string, sign: Sign): Promise<{ url: string; stop(): Promise<void> }> {
  const { hostname, port } = new URL(api);
  const server = createServer((asked, answer) => {
    passOn(asked, answer).catch((error: Error) => answer.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function passOn(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of asked) parts.push(part as Buffer);
    const [body, method, path] = [Buffer.concat(parts), asked.method!, asked.url!];
    const { host: _, connection: __, 'transfer-encoding': ___, ...rest } = asked.headers;
    const headers = {
      ...rest,
      ...(body.length === 0 ? {} : { 'content-length': String(body.length) }),
      ...(await sign(method, path, body.toString())),
    };
    const passed = httpRequest({ hostname, port, method, path, headers }, (found) => {
      answer.writeHead(found.statusCode!, found.rawHeaders);
      found.pipe(answer);
    });
    passed.on('error', (error) => answer.destroy(error));
    passed.end(body);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
