import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of an answer: its JSON is changed, it never comes, or it is something else. */
export type Lie = ((json: unknown) => unknown) | 'hang' | 'away' | 'redirect' | 'endless';

/** Stands before a broker, and changes its answers as a test wants. */
export async function startLyingBroker(target: string) {
  const lies = new Map<string, Lie>();
  const asked: string[] = [];
  const server = createServer(
    (request, response) => void serve(request, response).catch(() => request.socket.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url!.split('?')[0]!;
    asked.push(request.url!);
    const lie = lies.get(path);
    if (lie === 'hang') return;
    if (lie === 'away') return void request.socket.destroy();
    if (lie === 'redirect') return void response.writeHead(302, { location: `${target}${request.url!}` }).end();
    if (lie === 'endless') {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => !response.destroyed && response.write(' '.repeat(1_000_000), () => setImmediate(more));
      return void more();
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
    ) as Record<string, string>;
    const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
    const found = await fetch(target + request.url!, { method: request.method!, headers, redirect: 'manual', ...body });
    const text = await found.text();
    const json: unknown = text === '' ? undefined : JSON.parse(text);
    const told = lie === undefined ? json : lie(json);
    response.writeHead(lie === undefined ? found.status : 200, { 'content-type': 'application/json' });
    response.end(told === undefined ? '' : JSON.stringify(told));
  }

  return {
    url,
    lies,
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
